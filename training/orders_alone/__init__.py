"""Training where nobody's contacts are known: direct value and lifetime value, and no network value.

Such a run is recorded in MLflow and has a report, but registers no version: what is served is network value.
"""
