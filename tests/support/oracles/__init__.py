"""Slow and plain implementations that fast ones are held against, and the data they are computed on."""
