"""The label and the forecast against the known truth of simulated worlds: `make truth`."""
