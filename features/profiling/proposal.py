"""What is proposed: how each table of the contract is made of theirs, how sure that is, and what is open."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ripple.features.profiling.links import Path
from ripple.features.profiling.profile import Field, TableProfile
from ripple.features.tables.contract import CONTRACTS

HELPERS = {"currency": "currency", "at": "bought_at"}
"""Option of a column that names another column of theirs → what a query calls that."""
SURE, LIKELY = 0.85, 0.6
"""The confidence from which a line is called sure, and likely; otherwise it is a guess."""


@dataclass(frozen=True)
class Choice:
    """What a column of the contract is made of.

    Attributes:
        field: a column of theirs, or None.
        path: how its table is reached.
        sql: SQL with ``{0}``, ``{1}`` … for the fields *of*, instead of the field alone.
        of: the fields that the SQL is made of, with their paths.
        value: a fixed value, where there is no column.
        options: how it is converted: format, unit, currency, negative_if, user.
        confidence: how sure it is, from 0 to 1.
        why: the evidence, for people.
    """

    field: Field | None = None
    path: Path = ()
    sql: str = ""
    of: tuple[tuple[Path, Field], ...] = ()
    value: str | None = None
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    confidence: float = 1.0
    why: str = ""

    @property
    def parts(self) -> tuple[tuple[Path, Field], ...]:
        """The fields that it is made of, with their paths."""
        if self.sql:
            return self.of
        return () if self.field is None else ((self.path, self.field),)

    @property
    def helpers(self) -> tuple[tuple[Path, Field], ...]:
        """The fields that its options name, with their paths: the currency, and the time of its rate."""
        return tuple(self.options[name] for name in HELPERS if name in self.options)

    @property
    def surety(self) -> str:
        """How sure it is, in a word and a number."""
        return surety(self.confidence)


@dataclass(frozen=True)
class Part:
    """One mapping of a table of the contract.

    Attributes:
        contract: the table of the contract.
        table: the table of theirs, each row of which becomes one.
        columns: column of the contract (or attribute) → what it is made of.
        where: conditions that rows have to meet.
        unpivot: columns that each become a row.
        notes: what else is to be said of it.
        sql: a query that is no join of parents, instead of *columns* being looked up in them.
        views: the views among the tables that *columns* are looked up in.
    """

    contract: str
    table: TableProfile
    columns: dict[str, Choice]
    where: tuple[Choice, ...] = ()
    unpivot: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    sql: str = ""
    views: tuple[TableProfile, ...] = ()

    @property
    def confidence(self) -> float:
        """How sure it is: as its least sure column that the contract requires."""
        required = CONTRACTS[self.contract].required
        sure = [one.confidence for name, one in self.columns.items() if name in required]
        return min(sure, default=0.0)

    @property
    def surety(self) -> str:
        """How sure it is, in a word and a number."""
        return surety(self.confidence)

    @property
    def paths(self) -> list[Path]:
        """The ways to other tables that it needs, the shorter ones first."""
        needed = {
            path[:end]: None
            for choice in (*self.columns.values(), *self.where)
            for path, _ in (*choice.parts, *choice.helpers)
            for end in range(1, len(path) + 1)
        }
        return sorted(needed, key=len)


@dataclass
class Proposal:
    """All of it.

    Attributes:
        parts: the mappings, in the order of the contract.
        unchanged: the tables that have the contract's names and columns already.
        tables: the profiles of all tables.
        currency: the currency of amounts, if it is known.
        kinds: kind of interaction → its power, beyond the defaults.
        ids: how ids are made alike.
        set_aside: rules whose rows are set aside, with the reason.
        questions: what cannot be known from the data.
    """

    tables: list[TableProfile]
    parts: list[Part] = dataclasses.field(default_factory=list)
    unchanged: list[str] = dataclasses.field(default_factory=list)
    currency: str | None = None
    kinds: dict[str, str] = dataclasses.field(default_factory=dict)
    ids: dict[str, Any] = dataclasses.field(default_factory=dict)
    set_aside: dict[str, str] = dataclasses.field(default_factory=dict)
    questions: list[str] = dataclasses.field(default_factory=list)

    def of(self, contract: str) -> list[Part]:
        """The mappings of a table of the contract."""
        return [part for part in self.parts if part.contract == contract]

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to be written."""
        return bool(self.parts or self.currency or self.kinds or self.ids or self.set_aside or self.questions)

    @property
    def unused(self) -> list[TableProfile]:
        """The tables that nothing is made of."""
        used = {part.table.source for part in self.parts} | set(self.unchanged)
        used |= {link.parent.table for part in self.parts for path in part.paths for link in path}
        return [table for table in self.tables if table.name not in used]


def surety(confidence: float) -> str:
    """A confidence for people."""
    word = "sure" if confidence >= SURE else "likely" if confidence >= LIKELY else "guess"
    return f"{word} ({percent(round(confidence, 2))})"


def percent(share: float) -> str:
    """A share for people."""
    return f"{100 * share:.0f} %" if share in (0, 1) or 0.01 <= share <= 0.99 else f"{100 * share:.1f} %"


def listed(values: Iterable[object]) -> str:
    """A few values for people."""
    names = [str(value) for value in values]
    return ", ".join(names[:6]) + (f", … ({len(names)} in all)" if len(names) > 6 else "")
