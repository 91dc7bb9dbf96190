"""The quality of predictions at closed cutoffs: metrics, baselines, backtest, comparison and drift."""
