import numpy as np
import pandas as pd

from ripple.training.report.plots import figures


def test_a_currency_with_a_dollar_sign_is_not_read_as_a_formula() -> None:
    deciles = pd.DataFrame(
        {"decile": range(1, 11), "predicted": np.arange(10.0), "realised": np.arange(10.0)}
    )
    assert "US$&lt; $ per customer" in figures.calibration(deciles, "US$< $")


def test_deciles_without_any_value_can_be_drawn() -> None:
    deciles = pd.DataFrame({"decile": range(1, 11), "predicted": np.zeros(10), "realised": np.zeros(10)})
    assert "<svg" in figures.calibration(deciles, "EUR")


def test_a_ranking_without_a_number_is_drawn_without_one() -> None:
    captures = pd.DataFrame(
        {"2025-01-01": [0.5, np.nan], "pooled": [0.5, np.nan]}, index=["Ripple", "degree"]
    )
    drawn = figures.capture(captures, np.array([[0.4, 0.6], [np.nan, np.nan]]), "Ripple")
    assert "nan" not in drawn
    assert "degree" in drawn


def test_families_without_importance_can_be_drawn() -> None:
    assert "network" in figures.families(pd.Series({"network": 0.0}), "Nothing")


def test_placebos_are_drawn_with_their_amounts_and_without_formulas() -> None:
    drawn = figures.placebos(pd.Series({"the label": 20.0, "late ties": 0.0}), "US$ $")
    assert "20.00\u00a0US$ $" in drawn
    assert "0\u00a0US$ $" in drawn
    assert "nan" not in drawn
