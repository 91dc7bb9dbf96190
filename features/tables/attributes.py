"""Attributes of customers that change: the table ``attributes``, and the values that held at a moment."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime

import ibis
import ibis.expr.types as ir

from ripple.errors import InputError
from ripple.features.tables.contract import ATTRIBUTES

MAX_NAMES = 100
"""The number of different attributes that a dataset may have; more are probably values given as names."""
SHOWN_ATTRIBUTES = DISPLAY_NAME, OWNER = "display_name", "owner"
"""The attributes that stand beside the ids of customers where people read: in the report and in plays.csv."""


@dataclass(frozen=True)
class AttributeHistory:
    """The values of attributes, and since when each held.

    Attributes:
        rows: the table ``attributes``.
        names: the names of all attributes in it, in order.
    """

    rows: ir.Table
    names: tuple[str, ...]

    @classmethod
    def of(cls, rows: ir.Table, fixed: Collection[str]) -> AttributeHistory:
        """The history in *rows*, where the table of customers has the columns *fixed*.

        Raises:
            InputError: there are more than `MAX_NAMES`, or one is among the fixed ones.
        """
        distinct = rows.select("name").drop_null().distinct().order_by("name").limit(MAX_NAMES + 1)
        names: list[str] = distinct.to_pyarrow()["name"].to_pylist()
        if len(names) > MAX_NAMES:
            raise InputError(
                f"attributes: more than {MAX_NAMES} different names, such as {', '.join(names[:3])}: "
                "name is that of the attribute (plan), value what the customer has (gold)."
            )
        if twice := [name for name in names if name in fixed]:
            raise InputError(
                f"attributes: {', '.join(twice)} is a column of customers as well: keep one of the two."
            )
        return cls(rows, tuple(names))

    def until(self, moment: datetime) -> AttributeHistory:
        """What held and was known at *moment* or before."""
        return replace(self, rows=self._restricted(lambda time: time <= moment))

    def before(self, moment: datetime) -> ir.Table:
        """For each customer with any, the latest values that held, and were known, before *moment*.

        Where two began at the same time, the one that was known last counts, and then the larger one. A row
        without a value says that there is none from then on.
        """
        known = self._restricted(lambda time: time < moment)
        times = [time for time in ("valid_from", "known_at") if time in known.columns]
        latest = ibis.row_number().over(
            group_by=["customer_id", "name"],
            order_by=[known[column].desc(nulls_first=False) for column in (*times, "value")],
        )
        known = known.mutate(newer=latest).filter(lambda rows: rows.newer == 0)
        values = {name: known.value.max(where=known.name == name) for name in self.names}
        return known.group_by("customer_id").aggregate(**values)

    def _restricted(self, condition: Callable[[ir.Column], ir.BooleanValue]) -> ir.Table:
        """The rows all of whose times, where they are known, meet *condition*."""
        times = [column.name for column in ATTRIBUTES.columns if column.type == "time"]
        present = [time for time in times if time in self.rows.columns]
        return self.rows.filter([condition(self.rows[time]).fill_null(True) for time in present])
