"""The tables of a dataset: the contract they keep, where they come from, and how they are typed."""
