"""What answering, starting and publishing cost."""
