"""Sections of ripple.toml for simulated worlds that train in seconds."""

SMALL = """
horizon_days = 60
[cutoffs]
step_days = 30
history_days = 90
evaluate = 2
[features]
windows_days = [30]
"""
"""Settings for few cutoffs and features."""

LENIENT = """
[gate]
capture_loss = 1.0
level_factor = 20.0
coverage_loss = 0.8
doubtful_share = 0.98
single_share = 1.0

[model]
trees = 60
learning_rate = 0.1
"""
"""Limits of the gate for worlds so small that chance decides how good a model looks, and few trees."""
