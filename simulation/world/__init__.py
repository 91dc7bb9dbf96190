"""The simulated world: its customers, their ties, products, campaigns and payments."""
