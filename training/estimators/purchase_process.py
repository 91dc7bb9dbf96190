"""BG/NBD with Gamma–Gamma: expected purchases and their amounts, from when and for how much somebody bought.

While active, a customer buys at a constant rate, and after any purchase may have bought for the last time
(BG/NBD: Fader, Hardie & Lee 2005, Marketing Science 24). What a purchase is worth varies around a mean of the
customer's own (Gamma–Gamma: Fader, Hardie & Lee 2005, JMR 42). Both are fitted by maximum likelihood with
clvkit.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from clvkit import BGNBD, CustomerBase, GammaGamma

from ripple.training.examples.purchase_histories import DAYS_PER_WEEK

MAX_CUSTOMERS = 5_000
"""The number of customers that the seven parameters are fitted to at most."""
MIN_REPEAT_BUYERS = 30
"""The number of customers with a second purchase below which nothing is fitted."""


@dataclass(frozen=True)
class PurchaseProcess:
    """The fitted models of the number of purchases and of their amounts."""

    purchases: BGNBD
    amounts: GammaGamma

    def expected_spend(self, history: pd.DataFrame, days: float) -> pd.Series:
        """Expected spend of each customer over the next *days*, in currency; nan where it is undefined.

        Args:
            history: see `training.examples.purchase_histories`; the days begin where it ends.
        """
        return self.forecast(history, days)["expected_spend"]

    def forecast(self, history: pd.DataFrame, days: float) -> pd.DataFrame:
        """Expected spend and its parts, with the statistics they follow from, as features of each customer.

        Returns:
            By customer_id, `purchase_frequency`, `purchase_recency`, `alive_probability`,
            `expected_purchases` over the next *days*, `expected_amount` of one and `expected_spend`.
        """
        base = _customer_base(history)
        with _quiet():
            parts = pd.DataFrame(
                {
                    "purchase_frequency": history["frequency"],
                    "purchase_recency": history["recency"],
                    "alive_probability": _values(self.purchases.probability_alive(base).to_pandas()),
                    "expected_purchases": _values(
                        self.purchases.predict(days / DAYS_PER_WEEK, base).to_pandas()
                    ),
                    "expected_amount": _values(self.amounts.predict(base).to_pandas()),
                }
            )
        # a hypergeometric series may not converge, and a mean amount may not exist
        expected = parts[["expected_purchases", "expected_amount"]]
        parts[expected.columns] = expected.where(np.isfinite(expected) & (expected > 0))
        return parts.assign(expected_spend=parts["expected_purchases"] * parts["expected_amount"])


def fit_purchase_process(history: pd.DataFrame) -> PurchaseProcess | None:
    """The models fitted to *history*; None if there are too few repeat buyers, or no maximum is found.

    Of many customers, an even sample is taken, which does not depend on their ids.
    """
    if (history["frequency"] > 0).sum() < MIN_REPEAT_BUYERS:
        return None
    rows = history.sort_values(list(history.columns), kind="stable")
    base = _customer_base(rows.iloc[:: max(1, -(-len(rows) // MAX_CUSTOMERS))])
    try:
        with _quiet():
            return PurchaseProcess(BGNBD().fit(base), GammaGamma().fit(base))
    except (RuntimeError, ValueError):
        return None


def _customer_base(history: pd.DataFrame) -> CustomerBase:
    return CustomerBase(
        history,
        time_unit="W",
        collapse="D",
        observation_period_end=pd.Timestamp(0),  # kept by clvkit for the record only
        has_monetary=True,
        on_negative="net",
    )


def _values(prediction: pd.DataFrame) -> np.ndarray:
    """A prediction of clvkit, a table of one column, as an array in the order of the customers."""
    return prediction.to_numpy(np.float64).ravel()


def _quiet() -> warnings.catch_warnings:
    """What optimisers and series warn of on their way shows in their result."""
    return warnings.catch_warnings(action="ignore")
