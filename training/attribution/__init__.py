"""The label: the revenue that would not have come without a customer, by nested case–control comparison."""

from ripple.training.attribution.label import INFLUENCE_METHOD, LABEL_COLUMNS, network_value
from ripple.training.attribution.time_decay import decayed_credit

__all__ = ["INFLUENCE_METHOD", "LABEL_COLUMNS", "decayed_credit", "network_value"]
