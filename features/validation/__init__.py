"""The rules of the input contract, and the check of a dataset against them."""
