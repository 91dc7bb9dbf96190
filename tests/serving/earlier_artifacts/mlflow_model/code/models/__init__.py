"""The bundle of one model version: two boosters, their calibration and their reasons."""

from models.bundle import Bundle, FeatureMismatch, FeatureSpec, Interval, Spec
from models.reasons import Reason

__all__ = ["Bundle", "FeatureMismatch", "FeatureSpec", "Interval", "Reason", "Spec"]
