"""Reads the tables of the contract from tables of any names: ``[tables.X]`` of ripple.toml as an SQL query.

The query runs where the data are, in the SQL of that place. It only chooses and names columns; what it
returns is converted by `conversions`, in the same way for every engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

import ibis.expr.types as ir
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from ripple.errors import InputError
from ripple.features.tables.contract import ATTRIBUTES, TableContract
from ripple.features.tables.near_names import bare
from ripple.features.tables.sources.source import FILE, Place
from ripple.sections.tables import ColumnMapping, TableMapping
from ripple.suggestions import nearest

UNPIVOTED = {"usage": ("feature", "quantity"), "attributes": ("name", "value")}
"""Table → its columns with the name and the value of an unpivoted column."""
EVERY_COLUMN = ("*",)
"""The pattern of the columns of a table of attributes that has one for each."""

EXPECTED = (
    "expected a column, or one expression in SQL over columns; a name of several words, or of a word of SQL, "
    "is written in double quotes"
)
VOLATILE = (
    *(exp.CurrentDate, exp.CurrentDatetime, exp.CurrentTime, exp.CurrentTimestamp, exp.CurrentTimestampLTZ),
    *(exp.Localtime, exp.Localtimestamp, exp.UtcDate, exp.UtcTime, exp.UtcTimestamp),
    *(exp.Rand, exp.Randn, exp.Uuid),
)
"""What reads the clock or draws at random, so that the same data would give other rows."""
VOLATILE_NAMES = {
    *("now", "today", "curdate", "getdate", "sysdate", "unix_timestamp", "clock_timestamp"),
    *("get_current_timestamp", "get_current_time", "statement_timestamp", "transaction_timestamp"),
}
"""Functions that do so and that sqlglot does not know in every dialect."""


@dataclass(frozen=True)
class RawTable:
    """Rows of one table of the contract, with its names, in the types that they are stored in.

    Attributes:
        rows: a column for each of the contract's that is there, for each attribute, and helpers of these.
        mapping: how each column that is mapped is to be converted.
        files: the Parquet files of the rows, if each row is in one of them.
        definition: the query that reads the rows, the same in every run.
        rows_are_all: whether no row is left out.
        reads: the tables and files that the rows are read from.
        origin: what the rows are read from, for messages.
        theirs: the columns that are there.
        unused: those of them that nothing is made of.
        currencies: by column of orders that is called like a currency and not used, the rows of each value.
    """

    rows: ir.Table
    mapping: Mapping[str, ColumnMapping]
    files: tuple[Path, ...]
    definition: str
    reads: tuple[str, ...]
    origin: str
    theirs: tuple[str, ...]
    unused: tuple[str, ...]
    currencies: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    rows_are_all: bool = True


def currency_of(column: str) -> str:
    """The name of the helper column with the currency of an amount."""
    return f"currency of {column}"


def looked_up_at(column: str) -> str:
    """The name of the helper column with the time at which an account or a rate is looked up."""
    return f"time of {column}"


def negative(column: str) -> str:
    """The name of the helper column that says whether an amount is negative."""
    return f"negative {column}"


def read_raw(place: Place, contract: TableContract, mapping: TableMapping | None = None) -> RawTable:
    """Read a table of the contract by its *mapping*; without one, the table of its own name.

    Raises:
        InputError: the mapping names what is not there, or its SQL does not work.
    """
    return _Reading(place, contract, mapping or TableMapping()).read(mapping is None)


class _Reading:
    """One table that is being read: what its columns are, and which of theirs they use."""

    def __init__(self, place: Place, contract: TableContract, mapping: TableMapping) -> None:
        self._place, self._contract, self._mapping = place, contract, mapping
        self._key = f"tables.{contract.name}"
        self._where = f"{self._key}.where"
        self._reads: list[str] = []
        self._from = mapping.from_ or (contract.name if mapping.sql is None else None)
        self._relation = self._origin()
        self._theirs = place.columns(exp.select("*").from_(self._relation))
        self._used: set[str] = set()
        self._sql: dict[str, tuple[str, exp.Expr]] = {}

    def read(self, unmapped: bool) -> RawTable:
        columns = self._columns()
        expressions: dict[str, exp.Expr] = {}
        for name, column in columns.items():
            expressions[name] = self._value(f"{self._key}.columns.{name}", column)
            helpers = {
                "currency": (currency_of(name), column.currency),
                "at": (looked_up_at(name), column.at),
                "negative_if": (negative(name), column.negative_if),
            }
            for option, (helper, text) in helpers.items():
                if text is not None:
                    expressions[helper] = self._expression(f"{self._key}.columns.{name}.{option}", text)
        wide = self._wide()
        files = self._place.files(self._from) if self._from is not None and not wide else ()
        expressions |= {name: exp.column(name, quoted=True) for name in (*wide, *([FILE] if files else []))}
        values = [exp.alias_(value, name, quoted=True) for name, value in expressions.items()]
        query = exp.select(*(values or "*")).from_(self._relation)
        if self._mapping.where is not None:
            query = query.where(self._expression(self._where, self._mapping.where))
        exact = {column.name for column in self._contract.columns if column.type in ("id", "text")}
        rows = self._computed(query, exact)
        if wide:
            rows = _unpivoted(rows, wide, *UNPIVOTED[self._contract.name])
        theirs = tuple(name for name in self._theirs if name != FILE)
        unused = tuple(name for name in theirs if name not in self._used)
        origin = self._from or f"{self._key}.sql"
        # without the name of the view of the files, which is another one in every run
        definition = query.sql(self._place.dialect).replace(self._relation.alias_or_name, origin)
        mapping = {} if unmapped else columns
        currencies = self._currencies(unused) if self._contract.name == "orders" else {}
        reads = tuple(self._reads)
        rows_are_all = self._mapping.where is None
        return RawTable(
            rows, mapping, files, definition, reads, origin, theirs, unused, currencies, rows_are_all
        )

    def _computed(self, query: exp.Select, exact: set[str]) -> ir.Table:
        """The rows of *query*, in which the SQL of the mapping has been computed: it fails here or never."""
        try:
            rows = self._place.read(query, exact)
            if self._mapping.sql is not None:
                return self._place.stored(rows)
            if self._sql:
                computed = {
                    value.alias for value in query.expressions if not isinstance(value.this, exp.Column)
                }
                self._place.compute(rows, [name for name in rows.columns if name in computed])
        except InputError as error:
            raise self._located(error, query) from error
        return rows

    def _located(self, error: InputError, query: exp.Select) -> InputError:
        """*error* with the line of ripple.toml whose SQL fails by itself, if there is one."""
        where = query.args.get("where")
        for key, (text, expression) in sorted(self._sql.items(), key=lambda item: item[0] != self._where):
            # with a column beside it, so that an aggregate fails as well
            beside = exp.column(self._theirs[0], quoted=True)
            alone = exp.select(exp.alias_(expression, "value"), beside).from_(self._relation)
            if where is not None and key != self._where:
                alone.set("where", where.copy())
            try:
                self._place.compute(self._place.read(alone), ["value"])
            except InputError as reason:
                return InputError(f'{key} = "{text}": {reason}')
        return InputError(f"{self._key}.sql: {error}") if self._mapping.sql is not None else error

    def _currencies(self, unused: tuple[str, ...]) -> dict[str, dict[str, int]]:
        """By unused column that is called like a currency, the number of rows of each value."""
        if any(column.currency is not None for column in self._mapping.columns.values()):
            return {}
        values = {}
        for name in (name for name in unused if "currency" in bare(name) or bare(name) == "ccy"):
            code = exp.Trim(this=exp.cast(exp.column(name, quoted=True), "varchar"))
            query = exp.select(
                exp.alias_(exp.Upper(this=code), "code"), exp.alias_(exp.Count(this=exp.Star()), "rows")
            )
            query = query.from_(self._relation).group_by("1")
            if self._mapping.where is not None:
                query = query.where(self._expression(self._where, self._mapping.where))
            counted = self._place.read(query).to_pyarrow().to_pylist()
            values[name] = {row["code"]: int(row["rows"]) for row in counted if row["code"]}
        return values

    def _origin(self) -> exp.Expr:
        """What the query reads from."""
        if self._from is not None:
            return self._relation_of(self._from)
        query = self._parsed(f"{self._key}.sql", self._mapping.sql or "")
        if not isinstance(query, exp.Query):
            raise InputError(f"{self._key}.sql: expected one query, which begins with SELECT or WITH.")
        names = {cte.alias for cte in query.find_all(exp.CTE)}
        for table in list(query.find_all(exp.Table)):
            if isinstance(table.this, exp.Identifier) and table.name not in names:
                reference = ".".join(part.name for part in table.parts)
                relation = self._relation_of(reference)
                alias = table.args.get("alias") or exp.TableAlias(this=exp.to_identifier(table.name))
                relation.set("alias", alias)
                table.replace(relation)
        return exp.Subquery(this=query, alias=exp.TableAlias(this=exp.to_identifier("theirs")))

    def _relation_of(self, name: str) -> exp.Table:
        self._reads.append(name)
        if self._mapping.encoding is not None:
            return self._place.relation_of_text(name, self._mapping.encoding)
        return self._place.relation(name)

    def _columns(self) -> dict[str, ColumnMapping]:
        """How each column of the contract, and each attribute, is made."""
        contract = [column.name for column in self._contract.columns]
        given = self._mapping.columns
        if not self._contract.attributes:
            for name in given:
                if name not in contract:
                    raise InputError(f"{self._key}.columns: unknown column '{name}'{nearest(name, contract)}")
        same = {name: ColumnMapping(column=name) for name in contract if name in self._theirs}
        # of a table that keeps its name every column is an attribute, but for what is mapped to another name
        if self._contract.attributes and self._mapping.from_ is None and self._mapping.sql is None:
            taken = {FILE, *(column.column for column in given.values())} - {*contract}
            same |= {name: ColumnMapping(column=name) for name in self._theirs if name not in taken}
        if self._mapping.unpivot:
            made = UNPIVOTED.get(self._contract.name, ())
            same = {name: column for name, column in same.items() if name not in made}
        columns = same | given
        ordered = [name for name in contract if name in columns]
        return {name: columns[name] for name in [*ordered, *(n for n in columns if n not in ordered)]}

    def _wide(self) -> list[str]:
        """Their columns that each become rows."""
        patterns = self._mapping.unpivot or (EVERY_COLUMN if self._is_wide() else ())
        wide = [
            name
            for name in self._theirs
            if any(fnmatchcase(name, pattern) for pattern in patterns)
            and name not in self._used
            and name != FILE
        ]
        if self._mapping.unpivot and self._contract.name not in UNPIVOTED:
            raise InputError(f"{self._key}.unpivot: only {' and '.join(UNPIVOTED)} can be unpivoted.")
        if self._mapping.unpivot and not wide:
            raise InputError(
                f"{self._key}.unpivot: no column is called {' or '.join(self._mapping.unpivot)}; "
                f"found {', '.join(self._theirs)}"
            )
        self._used.update(wide)
        return wide

    def _is_wide(self) -> bool:
        """Whether this is the table of attributes with a column for each: it has no name and value."""
        long = {*UNPIVOTED[ATTRIBUTES.name]}
        return self._contract is ATTRIBUTES and not long & {*self._theirs, *self._mapping.columns}

    def _value(self, key: str, column: ColumnMapping) -> exp.Expr:
        if column.value is not None:
            return exp.convert(column.value)
        return self._expression(key, column.column or column.user or "")

    def _expression(self, key: str, text: str) -> exp.Expr:
        """*text* as a column of theirs, or else as SQL over them."""
        if text in self._theirs:
            self._used.add(text)
            return exp.column(text, quoted=True)
        expression = self._parsed(key, text)
        if isinstance(expression, exp.Alias):
            raise InputError(f'{key} = "{text}": leave out AS {expression.alias}, as the key is the name.')
        columns = list(expression.find_all(exp.Column))
        has_own_names = expression.find(exp.Query, exp.Lambda) is not None
        if not isinstance(expression, exp.Condition | exp.Subquery):
            raise InputError(f'{key} = "{text}": {EXPECTED}; found {", ".join(self._theirs)}')
        known = {name.lower(): name for name in self._theirs}
        for first in (column.parts[0] for column in columns):
            theirs = known.get(first.name.lower())
            if theirs is None and not has_own_names:
                raise InputError(
                    f'{key} = "{text}": there is no column {first.name}{nearest(first.name, self._theirs)}; '
                    f"found {', '.join(self._theirs)}"
                )
            if theirs is not None and not has_own_names:
                # also where it is called like a word of SQL
                first.replace(exp.to_identifier(theirs, quoted=True))
            self._used.add(theirs or first.name)
        self._sql[key] = text, expression
        return expression

    def _parsed(self, key: str, text: str) -> exp.Expr:
        try:
            parsed = sqlglot.parse_one(text, dialect=self._place.dialect)
        except SqlglotError as error:
            found = f"; found {', '.join(self._theirs)}" if hasattr(self, "_theirs") else ""
            reason = str(error).splitlines()[0].removeprefix("Invalid expression / ").rstrip(".")
            raise InputError(f'{key} = "{text}": {EXPECTED} ({reason}){found}') from error
        for node in parsed.find_all(*VOLATILE, exp.Anonymous):
            if not isinstance(node, exp.Anonymous) or node.name.lower() in VOLATILE_NAMES:
                raise InputError(
                    f'{key} = "{text}": {node.sql(self._place.dialect)} gives other values every '
                    "time: write fixed ones. To leave out what is later than a date, set until."
                )
        return parsed


def _unpivoted(rows: ir.Table, wide: list[str], name: str, value: str) -> ir.Table:
    """*rows* with a row for each of the *wide* columns.

    A quantity of zero, or none, is no use. An attribute without a value says that there is none from then on.
    """
    cast = {
        column: rows[column].try_cast("float64") if value == "quantity" else rows[column].cast("string")
        for column in wide
    }
    long = rows.mutate(**cast).pivot_longer(wide, names_to=name, values_to=value)
    return long.filter(long.quantity != 0) if value == "quantity" else long
