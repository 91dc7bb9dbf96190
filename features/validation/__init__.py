"""The rules of the input contract, and what an earlier validation of the same files found."""
