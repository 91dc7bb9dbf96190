"""The history of a dataset as daily tables, and the part of it that a cutoff may see."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache, cached_property, partial
from itertools import pairwise
from pathlib import Path

import ibis
import ibis.expr.types as ir

from ripple.digests import digest
from ripple.features.expressions import day_number
from ripple.features.graph.contacts import Contacts, Purchases
from ripple.features.rollup.daily import DAILY, WHEN, Daily
from ripple.features.rollup.fingerprint import DayRows, day_rows, in_contract, moments
from ripple.features.rollup.parquet_cache import (
    ParquetCache,
    QueryBuilder,
    TableBuilder,
    TemporaryTables,
    numbered_from,
)
from ripple.features.tables.contract import CONTRACT
from ripple.features.tables.tables import Tables
from ripple.settings import Power

EPOCH = date(1970, 1, 1)
MIN_ROWS_PER_PART = 4_000_000
"""The number of rows up to which months are rolled up together."""
CUSTOMER_NUMBERS = {"customer_id": "customer", "source_id": "customer", "target_id": "target"}
"""Columns that name a customer → the column of numbers that takes their place."""

Span = tuple[date, date]
"""The first day of a span, and the day after its last."""

_serial = itertools.count()


@dataclass(frozen=True)
class DailyTablesAtCutoff:
    """The daily tables as they stood at the cutoff *as_of*."""

    history: History
    as_of: datetime
    tables: Mapping[str, ir.Table]

    @property
    def last_day(self) -> int:
        """The last day that had begun before the cutoff, in days since 1970."""
        return _last_day_before(self.as_of)

    def __contains__(self, name: str) -> bool:
        return name in self.tables

    def __getitem__(self, name: str) -> ir.Table:
        """A daily table, with the `age` of its rows in days: 1 on the last day."""
        table = self.tables[name]
        return table.mutate(age=ibis.literal(self.last_day + 1, "int32") - table.day)

    def rows(self, name: str) -> ir.Table | None:
        """The rows of a table of the contract, with `customer` (and `target`), `day` and `age` in days.

        None if the dataset does not have the table.
        """
        rows = self.history.rows(name, self.last_day)
        return None if rows is None else rows.mutate(age=ibis.literal(self.last_day + 1, "int32") - rows.day)

    def cached_query(self, name: str, table: ir.Table) -> ir.Table:
        """The rows of *table*, an expression over daily tables, from the cache if they are there."""
        return self.history.cached_query(self.as_of, name, table)

    def cached_computation(
        self, name: str, definition: str, reads: Sequence[str], build: TableBuilder
    ) -> ir.Table:
        """The table that *build* makes outside the engine, from the cache if it is there.

        Args:
            name: the name of the table.
            definition: all that the table follows from apart from the rows it is made of.
            reads: the daily tables it is made of.
            build: makes the table.
        """
        return self.history.cached_computation(self.as_of, name, definition, reads, build)


class History:
    """Everything in the tables of a dataset, rolled up by day.

    Args:
        tables: what to roll up.
        powers: which power each kind of interaction shows.
        cache: where daily tables, and what cutoffs make of them, are kept; temporary tables if None.
    """

    def __init__(
        self, tables: Tables, powers: Mapping[str, Power], cache: ParquetCache | None = None
    ) -> None:
        self._tables = tables
        self._powers = powers
        self._cache = cache
        self._temporary = TemporaryTables(tables["customers"].get_backend())
        self._prefix = f"history_{next(_serial)}_"
        self._definitions: dict[str, str] = {}

    def before(self, as_of: datetime) -> DailyTablesAtCutoff:
        """The history that had happened and was known before *as_of*.

        At a midnight (UTC) it is read off the daily tables; at any other time the rows are rolled up anew.
        """
        history = self if as_of.time() == time() else History(self._tables.before(as_of), self._powers)
        last_day = _last_day_before(as_of)
        return DailyTablesAtCutoff(
            history, as_of, {name: _known_on(table, last_day) for name, table in history.daily.items()}
        )

    def rows(self, name: str, last_day: int) -> ir.Table | None:
        """See `DailyTablesAtCutoff.rows`."""
        return _known_on(self._numbered(name, None), last_day) if name in self._tables else None

    def digest(self, moment: datetime, *names: str, inclusive: bool = False) -> str:
        """Digest of the rows of the contract's tables *names* known before *moment*, or, *inclusive*, at it.

        At another time than midnight, all rows of that day count. The attributes of customers count only if
        ``attributes`` is among the names.
        """
        day, midnight = (moment.date() - EPOCH).days, moment.time() == time()

        def counts(known: int | None, at_midnight: bool) -> bool:
            return (
                known is None
                or known < day
                or (known == day and (not midnight or (inclusive and at_midnight)))
            )

        return digest(
            *((name, row) for name in names for row in self._rows.get(name, []) if counts(row[1], row[2]))
        )

    def cached_label(
        self, name: str, definition: str, known: datetime, inclusive: bool, build: TableBuilder
    ) -> ir.Table:
        """The table that *build* makes of all rows known before, or *inclusive* at, the moment *known*."""
        if self._cache is None:
            return self._temporary.get_or_build(f"{name}/{known}/{inclusive}", build)
        rows = self.digest(known, *CONTRACT, "attributes", inclusive=inclusive)
        return self._cache.get_or_build(name, digest(definition, rows), build)

    def cached_query(self, as_of: datetime, name: str, table: ir.Table) -> ir.Table:
        """See `DailyTablesAtCutoff.cached_query`."""
        if self._cache is None:
            return self._temporary.get_or_build(f"{as_of}/{name}", lambda: table)
        sql = self._cache.sql(table)
        reads = [daily for daily in self.daily if f'"{self._prefix}{daily}"' in sql]
        if not reads:  # made of nothing but what is in the cache already
            return table
        return self._cached_at(self._cache, as_of, name, sql.replace(self._prefix, ""), reads, lambda: sql)

    def cached_computation(
        self, as_of: datetime, name: str, definition: str, reads: Sequence[str], build: TableBuilder
    ) -> ir.Table:
        """See `DailyTablesAtCutoff.cached_computation`."""
        if self._cache is None:
            return self._temporary.get_or_build(f"{as_of}/{name}", build)
        return self._cached_at(self._cache, as_of, name, definition, reads, build)

    def _cached_at(
        self,
        cache: ParquetCache,
        as_of: datetime,
        name: str,
        definition: str,
        reads: Sequence[str],
        build: QueryBuilder,
    ) -> ir.Table:
        definitions = [self._definitions[daily] for daily in reads]
        rows = self.digest(as_of, *sorted({_contract_table(daily) for daily in reads}))
        return cache.get_or_build(
            f"cutoffs/{as_of:%Y-%m-%dT%H%M%S}/{name}", digest(definition, definitions, rows), build
        )

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
        """The daily tables, by name, with the rows of all times."""
        tables: dict[str, ir.Table] = {}
        for name, daily in DAILY.items():
            if daily.source in tables:
                rows = partial(_of_days, tables[daily.source])
            elif daily.source in self._tables:
                rows = partial(self._numbered, daily.source)
            else:
                continue
            if set(daily.needs) <= set(rows(None).columns):
                tables[name] = self._rolled_up(name, rows)
        return tables

    def _rolled_up(self, name: str, rows: Callable[[Span | None], ir.Table]) -> ir.Table:
        daily, contract_table = DAILY[name], _contract_table(name)

        def build(span: Span | None, before: Sequence[Path] = ()) -> ir.Table:
            earlier = self._cache.read_files(before) if self._cache and before else None
            table = daily.roll_up(rows(span), earlier)
            return table.order_by(daily.order or table.columns[0])

        if self._cache is None:
            return self._temporary.get_or_build(name, lambda: build(None))
        sql = _roll_up_in_sql(name, daily, rows(None).schema(), self._cache.dialect)
        definition = digest(sql, self._definitions.get(daily.source))
        self._definitions[name] = definition
        files: list[Path] = []
        for span in self._spans(contract_table, daily.by):
            before = tuple(files) if daily.looks_back else ()
            source_rows = self._rows_in_span(contract_table, daily.by, span)
            key = digest(definition, self._cache.numbering, source_rows, *(file.stem for file in before))
            part = f"days/{name}/{span[0]:%Y-%m}" if span else f"days/{name}/all"
            files.append(self._cache.write_if_missing(part, key, partial(build, span, before)))
        self._cache.remove_other_files(f"days/{name}", files)
        return self._cache.read_files(files, self._prefix + name)

    def _rows_in_span(self, contract_table: str, by: str, span: Span | None) -> list[DayRows]:
        """The rows of a table of the contract whose `day` or `known`, as *by* says, is in *span*."""
        return [
            row for row in self._rows[contract_table] if span is None or _within(row[WHEN.index(by)], span)
        ]

    def _spans(self, contract_table: str, by: str) -> Iterator[Span | None]:
        """Whole months, together until they hold enough rows, but for those of the last quarter or two.

        Days are added to the last month and, by `day`, late rows to the one before, so no other has to be
        made again with them. Customers and the catalogue are one part.
        """
        if CONTRACT[contract_table].time is None or not self._rows[contract_table]:
            yield None
            return
        rows_by_month: dict[date, int] = {}
        for *when, _, count, _ in self._rows[contract_table]:
            month = (EPOCH + timedelta(days=when[WHEN.index(by)] or 0)).replace(day=1)
            rows_by_month[month] = rows_by_month.get(month, 0) + count
        last = max(rows_by_month)
        before = last - timedelta(days=1)
        recent = before.replace(month=1 + (before.month - 1) // 3 * 3, day=1)
        first, rows = None, 0
        for month, following in pairwise(sorted(rows_by_month)):
            first, rows = first or month, rows + rows_by_month[month]
            if rows >= MIN_ROWS_PER_PART or following >= recent:
                yield first, _next_month(month)
                first, rows = None, 0
        yield last, _next_month(last)

    @cached_property
    def _rows(self) -> dict[str, list[DayRows]]:
        """By table of the contract, how many rows of each day became known when, and their hashes."""
        rows = {name: day_rows(self._tables, name, self._cache) for name in self._tables.tables}
        return rows | {"attributes": day_rows(self._tables, "customers", self._cache, attributes=True)}

    def _numbered(self, name: str, span: Span | None) -> ir.Table:
        """Rows of the contract's table *name* that became known in *span*, dated, with numbers next to the
        ids of customers."""
        rows = _dated(self._tables, name)
        moment = CONTRACT[name].time
        if span and moment:
            # between two moments too, by which an engine can leave out most of what it would have to read
            first = min(row[0] or 0 for row in self._rows_in_span(name, "known", span))
            begin, end = (datetime.combine(day, time()) for day in (EPOCH + timedelta(days=first), span[1]))
            rows = rows.filter(rows[moment] >= begin, rows[moment] < end, _in_span(rows.known, span))
        for column, number in CUSTOMER_NUMBERS.items():
            if column in rows.columns:
                numbers = self._numbers.rename({column: "customer_id", number: "number"})
                rows = rows.join(numbers, column)
        return rows

    @cached_property
    def _numbers(self) -> ir.Table:
        """`customer_id` and `number` of each customer; whoever has a number in the cache keeps it."""
        ids = self._tables["customers"].select("customer_id").drop_null().distinct()
        if self._cache is None:
            return self._temporary.get_or_build("numbers", lambda: numbered_from(0, ids))
        return self._cache.number_customers(ids)


@cache
def _roll_up_in_sql(name: str, daily: Daily, schema: ibis.Schema, dialect: str) -> str:
    """The SQL that makes the *daily* table *name* of rows with this *schema*."""
    source = ibis.table(schema, name=daily.source)
    table = daily.roll_up(source)
    if daily.looks_back:
        table = daily.roll_up(source, ibis.table(table.schema(), name=name))
    return str(ibis.to_sql(table, dialect, pretty=False))


def _contract_table(daily: str) -> str:
    """The table of the contract that a daily table comes from, directly or not."""
    name = daily
    while name in DAILY:
        name = DAILY[name].source
    return name


def _dated(tables: Tables, name: str) -> ir.Table:
    """A table of the contract with `day` and `known`."""
    table = in_contract(tables[name], name)
    day, known = (day_number(moment) for moment in moments(table, name))
    return table.mutate(day=day, known=known)


def _known_on(table: ir.Table, last_day: int) -> ir.Table:
    """The rows of a daily table that hold by what was known on *last_day*."""
    known = table.filter(table.known <= last_day)
    return known.filter(known.until > last_day).drop("until") if "until" in known.columns else known


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


def _last_day_before(moment: datetime) -> int:
    return ((moment - timedelta(microseconds=1)).date() - EPOCH).days
