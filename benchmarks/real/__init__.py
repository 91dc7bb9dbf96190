"""Benchmarks on real data that the user brings: docs/real.md."""
