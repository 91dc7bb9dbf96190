"""The bundle of one model version: two boosters, their calibration and their reasons."""

from .bundle import Bundle, FeatureMismatch, FeatureSpec, Interval, Spec
from .reasons import Reason

__all__ = ["Bundle", "FeatureMismatch", "FeatureSpec", "Interval", "Reason", "Spec"]
