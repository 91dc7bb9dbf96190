"""The answer: headline, customers, and the limits of the report."""
