"""Labels, backtest, fit and record: from a dataset to a registered model version."""
