"""Negative controls of the label: what should be credited to nobody, and how much of it is."""
