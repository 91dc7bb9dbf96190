"""A simulated business whose customers influence each other: the default dataset, with known truth."""

from simulation.calendar import END, settings_toml
from simulation.dataset import simulate, simulate_with_truth, tables
from simulation.expectation import expected_leave_one_out
from simulation.files import write
from simulation.history import History
from simulation.truth import leave_one_out, referral_value, revenue, total_influence, traits
from simulation.truth_files import write_truth
from simulation.worlds import WORLDS, World

__all__ = [
    "END",
    "WORLDS",
    "History",
    "World",
    "expected_leave_one_out",
    "leave_one_out",
    "referral_value",
    "revenue",
    "settings_toml",
    "simulate",
    "simulate_with_truth",
    "tables",
    "total_influence",
    "traits",
    "write",
    "write_truth",
]
