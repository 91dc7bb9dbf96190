"""The label: whose revenue would not have come without whom."""

from ripple.training.attribution.label import INFLUENCE_METHOD, LABEL_COLUMNS, network_value
from ripple.training.attribution.time_decay import decayed_credit

__all__ = ["INFLUENCE_METHOD", "LABEL_COLUMNS", "decayed_credit", "network_value"]
