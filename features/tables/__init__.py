"""The tables of a dataset: their contract, their sources and their types."""
