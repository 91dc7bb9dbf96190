"""How good predictions were at closed cutoffs: metrics, baselines, backtest, comparison and drift."""
