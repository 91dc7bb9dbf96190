"""Amounts of several currencies, which nobody said are to be converted before they are added up."""

from __future__ import annotations

from collections.abc import Iterator

from ripple.features.dataset import Dataset
from ripple.features.validation.findings import Finding

MAX_CURRENCIES = 5
"""The number of currencies that are named."""


def mixed_currencies(dataset: Dataset) -> Iterator[Finding]:
    """A finding for each column of orders that is called like a currency and holds more than one."""
    for column, rows in dataset.currencies.items():
        if len(rows) > 1:
            most = sorted(rows.items(), key=lambda item: (-item[1], item[0]))
            named = ", ".join(f"{code} in {count:,}" for code, count in most[:MAX_CURRENCIES])
            source = _source_of_revenue(dataset)
            remedy = (
                f"{len(rows)} currencies would be added up as {dataset.settings.currency}: {named}; have "
                "them converted in ripple.toml: [tables.orders.columns] "
                f'revenue = {{ column = "{source}", currency = "{column}" }}, by the table rates'
            )
            count = sum(count for _, count in most[1:])
            yield Finding(f"orders.{column}: one currency", remedy, count, [], set_aside=False)


def other_currency(dataset: Dataset) -> Iterator[str]:
    """A line where all amounts are in a currency that is not the one of the settings."""
    for column, rows in dataset.currencies.items():
        if len(rows) == 1 and (code := next(iter(rows))) != dataset.settings.currency.upper():
            yield (
                f"orders.{column}: all amounts are in {code}, and are reported as "
                f'{dataset.settings.currency}; set currency = "{code}"'
            )


def _source_of_revenue(dataset: Dataset) -> str:
    for mapping in dataset.settings.tables.get("orders", ()):
        if "revenue" in mapping.columns and mapping.columns["revenue"].column is not None:
            return mapping.columns["revenue"].column
    return "revenue"
