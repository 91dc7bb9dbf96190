"""The label: whose revenue would not have come without whom."""

from training.credit.decayed import decayed_credit
from training.credit.label import INFLUENCE_METHOD, LABEL_COLUMNS, network_value

__all__ = ["INFLUENCE_METHOD", "LABEL_COLUMNS", "decayed_credit", "network_value"]
