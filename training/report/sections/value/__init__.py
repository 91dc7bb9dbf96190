"""What the top is worth: concentration, quoted claims, plays and profitability."""
