"""The graph of contacts at a cutoff: ties between customers, and what follows from them for each."""
