"""The total network value of a window as a product of parts, each of which may rise by itself.

    credited = customers × contacts per customer × reached purchases per contact
               × revenue per reached purchase × credited share

This is an index decomposition (as the Kaya identity is one): every factor but the first is a ratio of the
next amount to the one before it, so the product of the factors is the total, and the factors by which they
rise multiply to the factor by which it rises, whatever happened.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from ripple.features.expressions import sum_or_zero
from ripple.features.tables.tables import Tables
from ripple.settings import Settings
from ripple.training.attribution.label import attribute_window
from ripple.training.attribution.referral_credit import referral_credits, referrals
from ripple.training.examples.targets import network_value_target

FACTORS = (
    "customers",
    "contacts_per_customer",
    "purchases_per_contact",
    "revenue_per_purchase",
    "credited_share",
)
"""The factors of the total, in the order in which they are multiplied."""


@dataclass(frozen=True)
class WindowAmounts:
    """What happened in a window, from the widest amount to what is credited.

    Attributes:
        customers: those who may be credited: they had joined before the window.
        contacts: interactions between two customers in the window.
        purchases: reached purchases: first purchases of a product that an earlier adopter may have caused,
            and all purchases that a referral explains.
        revenue: of the reached purchases, in currency; a first purchase counts with all that its customer
            paid for the product in the window.
        credited: total network value, in currency, with generations and winsorised as the heads' target is.
    """

    customers: float
    contacts: float
    purchases: float
    revenue: float
    credited: float

    def factors(self) -> dict[str, float]:
        """The factors of `FACTORS`; their product is `credited`. They are nan or inf after an amount of 0."""
        amounts = np.array([self.customers, self.contacts, self.purchases, self.revenue, self.credited])
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = [self.customers, *(amounts[1:] / amounts[:-1])]
        return {name: float(ratio) for name, ratio in zip(FACTORS, ratios, strict=True)}


def window_amounts(
    tables: Tables, labels: pd.DataFrame, start: datetime, end: datetime, settings: Settings
) -> WindowAmounts:
    """The amounts of the window (*start*, *end*], whose *labels* are given.

    Args:
        tables: what was known when the window closed; needs interactions.
    """
    contacts = tables["interactions"]
    contacts = contacts.filter(
        (contacts.occurred_at > start)
        & (contacts.occurred_at <= end)
        & (contacts.source_id != contacts.target_id)
    )
    purchases, revenue = _reached(tables, start, end, settings)
    return WindowAmounts(
        customers=float(len(labels)),
        contacts=float(contacts.count().to_pyarrow().as_py()),
        purchases=purchases,
        revenue=revenue,
        credited=float(network_value_target(labels, settings).sum()),
    )


def _reached(tables: Tables, start: datetime, end: datetime, settings: Settings) -> tuple[float, float]:
    """Number and revenue of the reached purchases in (start, end]."""
    history, attributions = attribute_window(tables, start, end, settings)
    adoptions = history.adoptions
    influenced = np.unique(attributions.adoption)
    influenced = influenced[~adoptions.referred[influenced]]
    credits = referral_credits(
        referrals(tables, end), tables.orders_in(start, end), settings.credit.referral_days
    )
    totals = credits.aggregate(
        purchases=sum_or_zero(credits.purchases), value=sum_or_zero(credits.value)
    ).to_pyarrow()
    referred_purchases, referred_value = (float(totals[name][0].as_py()) for name in totals.column_names)
    return (
        float(influenced.size) + referred_purchases,
        float(adoptions.value[influenced].sum()) + referred_value,
    )


def rises(before: WindowAmounts, after: WindowAmounts) -> dict[str, float]:
    """The factor by which each of `FACTORS` rises between two windows; they multiply to the total's."""
    earlier, later = before.factors(), after.factors()
    with np.errstate(divide="ignore", invalid="ignore"):
        return {name: float(np.divide(later[name], earlier[name])) for name in FACTORS}
