"""Gives raw tables the types of the contract, and finds the rows whose values cannot be read as such."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import ibis
import ibis.expr.types as ir

from ripple.errors import InputError
from ripple.features.tables.contract import LOOKUPS, Column, ColumnType, TableContract
from ripple.features.tables.conversions import (
    TYPES,
    amount,
    attribute,
    comparable,
    convert,
    has_value,
    trimmed,
)
from ripple.features.tables.engine import cached
from ripple.features.tables.mapping import RawTable, currency_of, looked_up_at, negative
from ripple.features.tables.sources.source import FILE
from ripple.features.tables.tables import union_by_name
from ripple.sections.tables import ColumnMapping, Ids

REMEDIES = {
    "time": "write times as 2024-05-17 or 2024-05-17T09:30:00, in UTC, or give their form: {column} = "
    '{{ column = "{column}", format = "epoch s" }}',
    "number": "write plain numbers such as 1234.5, or give their form: {column} = "
    '{{ column = "{column}", decimal = "," }}',
    "text": "write text",
    "id": "write ids as text or whole numbers",
}


@dataclass(frozen=True)
class Unreadable:
    """Rows in which a value of one column cannot be read as the type of the contract.

    Attributes:
        column: the name of the column.
        expected: what its values are to be, such as "is a time".
        remedy: what to do about it.
        rows: the rows as they are stored.
        type: the type of the contract, if the value itself cannot be read.
        mapping: how the column is mapped, if it is.
    """

    column: str
    expected: str
    remedy: str
    rows: ir.Table
    type: ColumnType | None = None
    mapping: ColumnMapping | None = None


@dataclass(frozen=True)
class TypedTable:
    """One table with the types of the contract.

    Attributes:
        rows: its rows, null where a value is unreadable.
        unreadable: the rows with such values, by column.
        by_file: whether each row follows from one row of a file alone.
        internal: the interactions of two users of one customer, which are not among the rows.
        left_out: the attributes of a type that no customers can be compared by, with that type.
    """

    rows: ir.Table
    unreadable: tuple[Unreadable, ...]
    by_file: bool
    internal: ir.Table | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)


MERGED = "account it became part of"
"""The helper column with the customer that another one was merged into."""


class Typing:
    """Types the tables of one dataset.

    Args:
        ids: how ids of customers and users are made alike.
        lookups: the raw tables of `LOOKUPS`.
        currency: the currency of all amounts in the end.

    Raises:
        InputError: a lookup has rows that contradict each other, or values that cannot be read.
    """

    def __init__(self, ids: Ids, lookups: Mapping[str, Sequence[RawTable]], currency: str) -> None:
        self._ids = ids
        self._currency = currency
        self._longest_chain = 0
        self._lookups: dict[str, ir.Table] = {}
        for name, parts in lookups.items():
            self._lookups[name] = self._lookup(name, parts)
        if "merges" in self._lookups:
            self._longest_chain = longest_chain(self._lookups["merges"])

    @property
    def merges(self) -> ir.Table | None:
        """`old_id` and `new_id` of the accounts that became part of others, if there are any."""
        if "merges" not in self._lookups:
            return None
        return self._lookups["merges"].select(old_id="lookup id", new_id="lookup value").distinct()

    def table(self, raw: RawTable, contract: TableContract) -> TypedTable:
        """The typed rows of *raw*.

        Raises:
            InputError: the mapping needs a lookup that is not there.
        """
        rows, looked_up = self._with_lookups(raw, contract)
        columns = {column.name: column for column in contract.columns if column.name in raw.rows.columns}
        values, unreadable = {}, []
        for name, column in columns.items():
            mapping = raw.mapping.get(name)
            value = self._convert(rows, column, mapping, contract)
            if rows[name].type() != value.type() or (mapping and mapping.format):
                unreadable.append(_unreadable(rows, contract, column, value, mapping))
            if mapping is not None and name in looked_up:
                found, expected, remedy = looked_up[name]
                missing = value.notnull() & rows[found].isnull()
                unreadable.append(Unreadable(name, expected, remedy, rows.filter(missing).drop(found)))
                value = rows[found] if mapping.user is not None else value * rows[found]
            values[name] = value
        extra = set(raw.rows.columns) if contract.attributes else {FILE} & set(raw.rows.columns)
        left_out = {}
        for name in raw.rows.columns:
            if name in extra and name not in values:
                if comparable(rows[name].type()):
                    values[name] = attribute(rows[name])
                else:
                    left_out[name] = str(rows[name].type()).partition("(")[0].partition("<")[0]
        typed = rows.select(**values)
        merged = self._longest_chain > 0 and contract.name not in LOOKUPS
        if merged:
            typed = self._merged(typed, contract)
        by_users = {"source_id", "target_id"} <= set(looked_up)
        if not (by_users or (merged and contract.name == "interactions")):
            by_file = not looked_up and not merged
            return TypedTable(typed, tuple(unreadable), by_file, left_out=left_out)
        # users of one customer are colleagues: that they meet says nothing of two customers
        is_internal = (typed.source_id == typed.target_id).fill_null(False)
        between, internal = typed.filter(~is_internal), typed.filter(is_internal)
        return TypedTable(between, tuple(unreadable), by_file=False, internal=internal)

    def _convert(
        self, rows: ir.Table, column: Column, mapping: ColumnMapping | None, contract: TableContract
    ) -> ir.Column:
        names_customer = column.name in (*contract.customers, "user_id")
        value = convert(rows[column.name], column, mapping, self._ids if names_customer else None)
        if column.folded:
            value = trimmed(value).lower()
        if mapping is None or column.type != "number":
            return value
        helpers = (
            rows[name] if name in rows.columns else None
            for name in (negative(column.name), currency_of(column.name))
        )
        return amount(value, mapping, *helpers)

    def _with_lookups(
        self, raw: RawTable, contract: TableContract
    ) -> tuple[ir.Table, dict[str, tuple[str, str, str]]]:
        """*raw* with what mappings look up: by column, the column of it, what is expected and the remedy."""
        rows, looked_up = raw.rows, {}
        for name, mapping in raw.mapping.items():
            if mapping.user is not None:
                key = convert(rows[name], Column("user_id", "id"), mapping, self._ids)
                found, table, value = f"account of {name}", "members", "customer_id"
                expected, remedy = "the account of a user", "add the user to the table members"
            elif mapping.currency is not None:
                key = trimmed(rows[currency_of(name)].cast("string")).upper()
                found, table, value = f"rate of {name}", "rates", "rate"
                expected = f"an amount with a rate to {self._currency}"
                remedy = "add a rate of that day, or of an earlier one, to the table rates"
            else:
                continue
            moment = None
            if contract.time is not None:
                column = next(column for column in contract.columns if column.name == contract.time)
                time = rows[looked_up_at(name) if mapping.at is not None else column.name]
                moment = convert(time, column, raw.mapping.get(column.name), None)
            rows = self._as_of(
                rows, f"tables.{contract.name}.columns.{name}", table, key, moment, value, found
            )
            looked_up[name] = found, expected, remedy
        return rows, looked_up

    def _merged(self, typed: ir.Table, contract: TableContract) -> ir.Table:
        """*typed* with the customers that others became part of: from then on, or in all rows."""
        moves_all = self._ids.merges == "all"
        if contract.name == "customers":
            gone = self._lookups["merges"].select(customer_id="lookup id").distinct()
            return typed.anti_join(gone, "customer_id") if moves_all else typed
        time = contract.time if contract.time is not None else "valid_from"
        for column in contract.customers:
            for _ in range(self._longest_chain):
                moment = None if moves_all or time not in typed.columns else typed[time]
                columns = typed.columns
                typed = self._as_of(typed, "merges", "merges", typed[column], moment, "new_id", MERGED)
                typed = typed.mutate(**{column: typed[MERGED].fill_null(typed[column])}).select(*columns)
        return typed

    def _as_of(
        self,
        rows: ir.Table,
        place: str,
        table: str,
        key: ir.Column,
        moment: ir.Column | None,
        value: str,
        name: str,
    ) -> ir.Table:
        """*rows* with the *value* that a lookup has for *key* at the *moment* of each, as a column *name*."""
        if table not in self._lookups:
            if table != "rates":
                columns = ", ".join(LOOKUPS[table].required)
                raise InputError(f"{place} needs the table {table} (columns {columns}), which is not there.")
            return rows.mutate(
                **{name: ibis.ifelse(key == self._currency.upper(), 1.0, ibis.null("float64"))}
            )
        lookup = self._lookups[table]
        rows = rows.mutate(
            **{"lookup key": key, "lookup moment": ibis.null(TYPES["time"]) if moment is None else moment}
        )
        at, last = rows["lookup moment"], lookup["lookup until"].isnull()
        valid = (
            last
            if moment is None
            else (lookup["lookup since"].isnull() | (lookup["lookup since"] <= at))
            & (last | (at < lookup["lookup until"]))
        )
        joined = rows.left_join(lookup, [rows["lookup key"] == lookup["lookup id"], valid])
        found = joined["lookup value"]
        if table == "rates":
            found = ibis.ifelse(joined["lookup key"] == self._currency.upper(), 1.0, found)
        return joined.mutate(**{name: found}).drop(
            name for name in joined.columns if name.startswith("lookup ")
        )

    def _lookup(self, name: str, parts: Sequence[RawTable]) -> ir.Table:
        """The table *name* by its id, with the value of each span of time."""
        contract = LOOKUPS[name]
        typed = [self.table(part, contract) for part in parts]
        for problem in (problem for part in typed for problem in part.unreadable):
            example = problem.rows.limit(1).to_pyarrow().to_pylist()
            if example:
                raise InputError(
                    f"{name}.{problem.column} {problem.expected}: {problem.remedy}; found {example[0]}"
                )
        rows, (key, value) = union_by_name([part.rows for part in typed]), contract.required
        since = rows.valid_from if "valid_from" in rows.columns else ibis.null(TYPES["time"])
        ident = trimmed(rows[key]).upper() if key == "currency" else rows[key]
        rows = rows.select(
            **{"lookup id": ident, "lookup value": rows[value], "lookup since": since}
        ).distinct()
        repeated = rows.group_by(["lookup id", "lookup since"]).aggregate(rows=rows.count())
        example = repeated.filter(repeated.rows > 1).limit(1).to_pyarrow().to_pylist()
        if example:
            at = f" from {example[0]['lookup since']}" if example[0]["lookup since"] else ""
            raise InputError(
                f"{name}: {key} {example[0]['lookup id']}{at} has {example[0]['rows']} different values of "
                f"{value}: keep one, or give each its valid_from."
            )
        until = (
            rows["lookup since"]
            .lead()
            .over(group_by="lookup id", order_by=rows["lookup since"].asc(nulls_first=True))
        )
        return cached(rows.mutate(**{"lookup until": until}))


def longest_chain(merges: ir.Table) -> int:
    """The number of merges after each other that the longest chain of them has.

    Raises:
        InputError: an account becomes part of itself by way of others.
    """
    rows = merges.select("lookup id", "lookup value").to_pyarrow()
    into: dict[str, set[str]] = {}
    for old, new in zip(rows["lookup id"].to_pylist(), rows["lookup value"].to_pylist(), strict=True):
        into.setdefault(old, set()).add(new)
    length, present = 0, set(into)
    while present:
        length += 1
        following = {new for old in present for new in into[old] if new in into}
        if length > len(into):
            raise InputError(f"merges: {sorted(following)[0]} becomes part of itself, by way of others.")
        present = following
    return length


def _unreadable(
    rows: ir.Table, contract: TableContract, column: Column, value: ir.Column, mapping: ColumnMapping | None
) -> Unreadable:
    article = "an" if column.type == "id" else "a"
    remedy = REMEDIES[column.type].format(column=column.name)
    if column.type in ("time", "number"):
        remedy += f" in [tables.{contract.name}.columns] of ripple.toml"
    broken = rows.filter(has_value(rows[column.name]) & value.isnull())
    return Unreadable(column.name, f"is {article} {column.type}", remedy, broken, column.type, mapping)
