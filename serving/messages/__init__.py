"""Requests and answers of lists, what all messages share, and the parts of the client for them."""
