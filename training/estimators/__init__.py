"""The models that are fitted: heads of trees, a linear model, and their calibration."""
