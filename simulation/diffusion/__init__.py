"""How products spread in a simulated world, why, and what each customer is truly worth to others."""
