"""The attributes of customers that stand beside them where people read, by the settings `report`."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from ripple.errors import InputError
from ripple.features.dataset import Dataset
from ripple.sections.report import Report
from ripple.suggestions import nearest
from ripple.training.examples.examples import frame


def attribute_names(dataset: Dataset) -> list[str]:
    """The names of all attributes of customers, of those that change too."""
    changing = dataset.attribute_history.names if dataset.attribute_history else ()
    return [*dataset.attributes, *changing]


def validate_shown_attributes(dataset: Dataset) -> None:
    """Check that attributes which the settings name are there; the usual ones need not be.

    Raises:
        InputError: one is not.
    """
    chosen, usual, known = dataset.settings.report, Report(), attribute_names(dataset)
    wanted = {"report.name": chosen.name} if chosen.name != usual.name else {}
    wanted |= {"report.owner": chosen.owner} if chosen.owner != usual.owner else {}
    wanted |= {f"report.attributes[{i}]": name for i, name in enumerate(chosen.attributes or ())}
    for key, name in wanted.items():
        if name not in known:
            there = nearest(name, known) if known else "; they have none"
            raise InputError(f"{key} = '{name}': customers have no such attribute{there}")


def shown_profile(dataset: Dataset, as_of: datetime) -> pd.DataFrame:
    """What the report shows of customers, by customer_id: `display_name`, `owner`, then the others."""
    chosen, rows = dataset.settings.report, frame(dataset.attributes_before(as_of))
    first = {chosen.name: "display_name", chosen.owner: "owner"}
    others = [name for name in rows if name not in first] if chosen.attributes is None else chosen.attributes
    shown = [*(name for name in first if name in rows), *(name for name in others if name not in first)]
    return rows[shown].rename(columns=first)
