"""Runs and model versions in MLflow: recording, the gate, promotion and comparison."""
