"""The history of a dataset as daily tables, and the part of it that a cutoff may see."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property, partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import ibis
import ibis.expr.types as ir

from ripple.digests import digest
from ripple.features.expressions import day_number
from ripple.features.graph.graph_features import Contacts, Purchases
from ripple.features.rollup.daily import DAILY, WHEN
from ripple.features.rollup.fingerprint import DayRows, day_rows, in_contract, moments
from ripple.features.rollup.parquet_cache import Build, Folder, Query, Scratch, count_from
from ripple.features.tables.contract import CONTRACT
from ripple.settings import Power

EPOCH = date(1970, 1, 1)
ROWS_PER_PART = 4_000_000
"""Months are rolled up together until they hold as many rows."""
NUMBERED = {"customer_id": "customer", "source_id": "customer", "target_id": "target"}
"""Columns that name a customer, and the number that takes their place."""

if TYPE_CHECKING:
    from ripple.features.tables.tables import Tables

Span = tuple[date, date]
"""From the first day to the one after the last."""

_serial = itertools.count()


@dataclass(frozen=True)
class Past:
    """Daily tables as they stood at a cutoff."""

    history: History
    as_of: datetime
    tables: Mapping[str, ir.Table]

    @property
    def last(self) -> int:
        """The last day that had begun before the cutoff."""
        return (_before(self.as_of).date() - EPOCH).days

    def __contains__(self, name: str) -> bool:
        return name in self.tables

    def __getitem__(self, name: str) -> ir.Table:
        """A daily table, with the `age` of its rows in days: 1 on the last day."""
        table = self.tables[name]
        return table.mutate(age=ibis.literal(self.last + 1, "int32") - table.day)

    def keep(self, name: str, table: ir.Table) -> ir.Table:
        """*table*, computed now and kept under *name*, or as it was kept."""
        return self.history.keep(self.as_of, name, table)

    def compute(self, name: str, definition: str, reads: Sequence[str], build: Build) -> ir.Table:
        """Like `keep` for what *build* makes of the daily tables *reads*; *definition* tells how."""
        return self.history.compute(self.as_of, name, definition, reads, build)


class History:
    """Everything in the tables of a dataset, rolled up by day.

    Args:
        tables: what to roll up.
        powers: what kinds of interactions show.
        store: where daily tables, and what cutoffs make of them, are kept; temporary tables if None.
    """

    def __init__(self, tables: Tables, powers: Mapping[str, Power], store: Folder | None = None) -> None:
        self._tables = tables
        self._powers = powers
        self._store = store
        self._scratch = Scratch(tables["customers"].get_backend())
        self._prefix = f"history_{next(_serial)}_"
        self._definitions: dict[str, str] = {}

    def before(self, as_of: datetime) -> Past:
        """What had happened and was known before *as_of*.

        At a midnight (UTC) it is read off the daily tables; at any other time the rows are rolled up anew.
        """
        history = self if as_of.time() == time() else History(self._tables.before(as_of), self._powers)
        last = (_before(as_of).date() - EPOCH).days
        return Past(history, as_of, {name: _known(table, last) for name, table in history.daily.items()})

    def digest(self, moment: datetime, *names: str, inclusive: bool = False) -> str:
        """Digest of the rows of the contract's tables *names* known before *moment*, or, *inclusive*, at it.

        At another time than midnight, all rows of that day count. The attributes of customers count only if
        ``attributes`` is among the names.
        """
        day, midnight = (moment.date() - EPOCH).days, moment.time() == time()

        def seen(known: int | None, at_once: bool) -> bool:
            return (
                known is None or known < day or (known == day and (not midnight or (inclusive and at_once)))
            )

        return digest(
            *((name, row) for name in names for row in self._rows.get(name, []) if seen(row[1], row[2]))
        )

    def remember(
        self, name: str, definition: str, known: datetime, inclusive: bool, build: Build
    ) -> ir.Table:
        """What *build* makes of all rows known before (or, *inclusive*, at) a moment; see `Past.compute`."""
        if self._store is None:
            return self._scratch.keep(f"{name}/{known}/{inclusive}", build)
        everything = self.digest(known, *CONTRACT, "attributes", inclusive=inclusive)
        return self._store.keep(name, digest(definition, everything), build)

    def keep(self, as_of: datetime, name: str, table: ir.Table) -> ir.Table:
        """See `Past.keep`."""
        if self._store is None:
            return self._scratch.keep(f"{as_of}/{name}", lambda: table)
        sql = self._store.sql(table)
        reads = [each for each in self.daily if f'"{self._prefix}{each}"' in sql]
        if not reads:  # made of nothing but what is kept already
            return table
        return self._kept(self._store, as_of, name, sql.replace(self._prefix, ""), reads, lambda: sql)

    def compute(
        self, as_of: datetime, name: str, definition: str, reads: Sequence[str], build: Build
    ) -> ir.Table:
        """See `Past.compute`."""
        if self._store is None:
            return self._scratch.keep(f"{as_of}/{name}", build)
        return self._kept(self._store, as_of, name, definition, reads, build)

    def _kept(
        self, store: Folder, as_of: datetime, name: str, definition: str, reads: Sequence[str], build: Query
    ) -> ir.Table:
        made = [self._definitions[each] for each in reads]
        key = digest(definition, made, self.digest(as_of, *sorted({_root(each) for each in reads})))
        return store.keep(f"cutoffs/{as_of:%Y-%m-%dT%H%M%S}/{name}", key, build)

    @cached_property
    def contacts(self) -> Contacts:
        """All contacts, as arrays."""
        return Contacts.read(self.daily["contact_days"], self._powers)

    @cached_property
    def purchases(self) -> Purchases:
        """All first purchases, as arrays."""
        return Purchases.read(self.daily["first_purchases"])

    @cached_property
    def size(self) -> int:
        """One more than the largest number of a customer."""
        return 1 + int(self._numbers.number.max().to_pyarrow().as_py() or 0)

    @cached_property
    def daily(self) -> dict[str, ir.Table]:
        """The daily tables, by name, whole."""
        made: dict[str, ir.Table] = {}
        for name, daily in DAILY.items():
            if daily.source in made:
                rows = partial(_of_days, made[daily.source])
            elif daily.source in self._tables:
                rows = partial(self._numbered, daily.source)
            else:
                continue
            if set(daily.needs) <= set(rows(None).columns):
                made[name] = self._rolled_up(name, rows)
        return made

    def _rolled_up(self, name: str, rows: Callable[[Span | None], ir.Table]) -> ir.Table:
        daily, root = DAILY[name], _root(name)

        def build(span: Span | None, before: Sequence[Path] = ()) -> ir.Table:
            made = daily.made(rows(span), self._store.read(before) if self._store and before else None)
            return made.order_by(daily.order or made.columns[0])

        if self._store is None:
            return self._scratch.keep(name, lambda: build(None))
        source = ibis.table(rows(None).schema(), name=daily.source)
        made = daily.made(source)
        if daily.looks_back:
            made = daily.made(source, ibis.table(made.schema(), name=name))
        definition = digest(self._store.sql(made), self._definitions.get(daily.source))
        self._definitions[name] = definition
        files: list[Path] = []
        for span in self._spans(root, daily.by):
            before = tuple(files) if daily.looks_back else ()
            held = self._held(root, daily.by, span)
            key = digest(
                definition, self._store.numbers_key, duckdb.__version__, held, *(file.stem for file in before)
            )
            place = f"days/{name}/{span[0]:%Y-%m}" if span else f"days/{name}/all"
            files.append(self._store.file(place, key, partial(build, span, before)))
        self._store.only(f"days/{name}", files)
        return self._store.read(files, self._prefix + name)

    def _held(self, root: str, by: str, span: Span | None) -> list[DayRows]:
        """Of a table of the contract, the rows whose `day` or `known`, as *by* says, is in *span*."""
        return [row for row in self._rows[root] if span is None or _within(row[WHEN.index(by)], span)]

    def _spans(self, root: str, by: str) -> Iterator[Span | None]:
        """Whole months, together until they hold enough rows, but for those of the last quarter or two.

        Days are added to the last month and, by `day`, late rows to the one before, so no other has to be
        made again with them. Customers and the catalogue are one part.
        """
        if CONTRACT[root].time is None or not self._rows[root]:
            yield None
            return
        months: dict[date, int] = {}
        for *when, _, count, _ in self._rows[root]:
            month = (EPOCH + timedelta(days=when[WHEN.index(by)] or 0)).replace(day=1)
            months[month] = months.get(month, 0) + count
        last = max(months)
        before = last - timedelta(days=1)
        recent = before.replace(month=1 + (before.month - 1) // 3 * 3, day=1)
        first, held = None, 0
        for month, following in pairwise(sorted(months)):
            first, held = first or month, held + months[month]
            if held >= ROWS_PER_PART or following >= recent:
                yield first, _next_month(month)
                first, held = None, 0
        yield last, _next_month(last)

    @cached_property
    def _rows(self) -> dict[str, list[DayRows]]:
        """By table of the contract, how many rows of each day became known when, and their hashes."""
        rows = {name: day_rows(self._tables, name, self._store) for name in self._tables.tables}
        return rows | {"attributes": day_rows(self._tables, "customers", self._store, attributes=True)}

    def _numbered(self, name: str, span: Span | None) -> ir.Table:
        """Rows of the contract's table *name* that became known in *span*, dated, with numbers beside the
        ids of customers."""
        rows = _dated(self._tables, name)
        moment = CONTRACT[name].time
        if span and moment:
            # between two moments too, by which an engine can leave out most of what it would have to read
            first = min(row[0] or 0 for row in self._held(name, "known", span))
            begin, end = (datetime.combine(day, time()) for day in (EPOCH + timedelta(days=first), span[1]))
            rows = rows.filter(rows[moment] >= begin, rows[moment] < end, _in_span(rows.known, span))
        for column, number in NUMBERED.items():
            if column in rows.columns:
                numbers = self._numbers.rename({column: "customer_id", number: "number"})
                rows = rows.join(numbers, column)
        return rows

    @cached_property
    def _numbers(self) -> ir.Table:
        """`customer_id` and `number` of each customer; whoever has a number in the store keeps it."""
        ids = self._tables["customers"].select("customer_id").drop_null().distinct()
        if self._store is None:
            return self._scratch.keep("numbers", lambda: count_from(0, ids))
        return self._store.numbers(ids)


def _root(name: str) -> str:
    """The table of the contract that a daily table comes from."""
    while name in DAILY:
        name = DAILY[name].source
    return name


def _dated(tables: Tables, name: str) -> ir.Table:
    """A table of the contract with `day` and `known`."""
    table = in_contract(tables[name], name)
    day, known = (day_number(moment) for moment in moments(table, name))
    return table.mutate(day=day, known=known)


def _known(table: ir.Table, last: int) -> ir.Table:
    """The rows of a daily table that hold by what was known on day *last*."""
    seen = table.filter(table.known <= last)
    return seen.filter(seen.until > last).drop("until") if "until" in seen.columns else seen


def _of_days(table: ir.Table, span: Span | None) -> ir.Table:
    if span is None:
        return table
    return table.filter(_in_span(table.day, span))


def _in_span(day: ir.IntegerColumn, span: Span) -> ir.BooleanColumn:
    first, end = ((day - EPOCH).days for day in span)
    return (day >= first) & (day < end)


def _within(day: int | None, span: Span) -> bool:
    return day is not None and span[0] <= EPOCH + timedelta(days=day) < span[1]


def _next_month(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


def _before(moment: datetime) -> datetime:
    return moment - timedelta(microseconds=1)
