"""What each feature is: one module per family, one function per feature."""
