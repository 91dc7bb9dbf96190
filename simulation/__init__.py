"""A simulated business whose customers influence each other: the default dataset, with known truth."""

from ripple.simulation.diffusion.expectation import expected_leave_one_out
from ripple.simulation.diffusion.plays import PotentialOutcomes, revenue_by_customer, true_effects
from ripple.simulation.diffusion.realisation import History, Play
from ripple.simulation.diffusion.truth import leave_one_out, referral_value, revenue, total_influence, traits
from ripple.simulation.tables.assembly import simulate, simulate_with_truth, tables
from ripple.simulation.tables.contacts import contacts_table
from ripple.simulation.tables.files import validate_dataset_folder, write
from ripple.simulation.tables.first_uses import influenced_first_uses
from ripple.simulation.tables.truth_files import write_truth
from ripple.simulation.world.calendar import END, settings_toml
from ripple.simulation.world.worlds import WORLDS, World

__all__ = [
    "END",
    "WORLDS",
    "History",
    "Play",
    "PotentialOutcomes",
    "World",
    "contacts_table",
    "expected_leave_one_out",
    "influenced_first_uses",
    "leave_one_out",
    "referral_value",
    "revenue",
    "revenue_by_customer",
    "settings_toml",
    "simulate",
    "simulate_with_truth",
    "tables",
    "total_influence",
    "traits",
    "true_effects",
    "validate_dataset_folder",
    "write",
    "write_truth",
]
