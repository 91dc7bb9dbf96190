"""Whether the report can be trusted: backtest, calibration, placebos, slices, drift and the data."""
