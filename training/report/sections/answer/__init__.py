"""The answer: headline, customers, and what the report cannot say."""
