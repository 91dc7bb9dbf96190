"""The spread of products in a simulated world, its causes, and each customer's true value to others."""
