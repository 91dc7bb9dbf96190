"""How products spread in a simulated world, why, and each customer's true value to others."""
