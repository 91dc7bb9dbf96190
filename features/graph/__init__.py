"""The graph of contacts as it stood at a cutoff: ties, their weights, and what customers hold in it."""
