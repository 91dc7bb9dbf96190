"""Features and labels at a cutoff, which cutoffs train and which evaluate, and what cannot be learnt from."""
