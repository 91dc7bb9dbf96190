"""Finds out what tables hold, and proposes how they map to those of the contract."""
