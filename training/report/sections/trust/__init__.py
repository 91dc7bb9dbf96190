"""Whether the report can be trusted: backtest, calibration, placebos, drift and the data."""
