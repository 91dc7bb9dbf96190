"""Experiments on plays: units, seeded arms, effects with intervals, and power."""
