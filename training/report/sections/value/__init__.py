"""The value of the top: concentration, quoted claims, plays and profitability."""
