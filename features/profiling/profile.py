"""Profiles tables: of each column its type, what is missing, how many values it has and of what form."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice

import pyarrow as pa
import pyarrow.compute as pc

from ripple.errors import InputError
from ripple.features.profiling import values as forms
from ripple.features.profiling.words import TIME_WORDS, tokens
from ripple.features.tables.sources.sampling import Sample
from ripple.features.tables.sources.source import FILE, Place

logger = logging.getLogger(__name__)

ROWS = 30_000
"""The number of rows of a table that are looked at, at most."""
_SHORT = {"code", "id", "key", "name", "value"}
"""Names that say nothing without that of what they are in."""
MAX_COMMON = 40
"""The number of distinct values up to which a column has few of them."""


def fold(value: str) -> str:
    """A value as `ids.trim` and `ids.case` make it alike others."""
    return value.strip().lower()


@dataclass(frozen=True, eq=False)
class Field:
    """A column of a table, or a value inside the nested objects of a column.

    Attributes:
        table: the name of the table.
        column: the name of the column.
        path: the keys that lead to the value, if the column holds objects.
        nested: how objects are stored, "json" or "struct".
        type: the type as which it is stored.
        rows: the number of rows that were looked at.
        counts: by value, as text, the number of rows, without nulls and empty texts.
        numeric: the distinct values as numbers, if all are.
        decimal: the decimal mark, if they are numbers as text.
        times: the forms in which all values are times; empty text for what needs none.
        label: what the column is called, if that is not its name.
    """

    table: str
    column: str
    path: tuple[str, ...]
    nested: str
    type: str
    rows: int
    counts: dict[str, int] = field(repr=False)
    numeric: tuple[float, ...] = field(repr=False, default=())
    decimal: str = "."
    times: tuple[str, ...] = ()
    label: str = ""

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words of its name; those of the column before a leaf that says little itself."""
        named = [self.label or self.column, *(key for key in self.path if not key.startswith("["))]
        leaf = tokens(named[-1])
        if len(named) == 1 or len(leaf) > 1 or not leaf or leaf[0] not in _SHORT:
            return leaf
        return (*tokens(named[-2]), *leaf)

    @property
    def name(self) -> str:
        """Its name, for people."""
        return ".".join((self.column, *self.path)).replace(".[", "[")

    @property
    def in_list(self) -> bool:
        """Whether it is one of the elements of a list."""
        return any(key.startswith("[") for key in self.path)

    @property
    def filled(self) -> int:
        """The number of rows with a value."""
        return sum(self.counts.values())

    @cached_property
    def alike(self) -> frozenset[str]:
        """Its values without the spaces around them, in lower case."""
        return frozenset(map(fold, self.counts))

    @cached_property
    def is_email(self) -> bool:
        """Whether its values are addresses of email."""
        values = list(islice(self.counts, 50))
        return bool(values) and all(re.fullmatch(r"\s*\S+@\S+\.\S+\s*", value) for value in values)

    @cached_property
    def telling(self) -> bool:
        """Whether the values are such that two columns do not share them by chance."""
        values = list(islice(self.counts, 50))
        tell = (len(value) >= 6 and any(char.isdigit() or char == "@" for char in value) for value in values)
        return sum(tell) > len(values) / 2

    @property
    def unique(self) -> bool:
        """Whether no value occurs twice in the rows that were looked at."""
        return len(self.counts) == self.filled > 0

    @property
    def is_time(self) -> bool:
        """Whether all values are times."""
        return bool(self.times)

    @property
    def is_date(self) -> bool:
        """Whether all values are days, without a time of day."""
        form = self.times[0] if self.times else ""
        if form:
            return "%" in form and not {"%H", "%I"} & set(re.findall("%.", form))
        return self.is_time and all(
            len(value) <= 10 or value.endswith(" 00:00:00.000000") for value in self.counts
        )

    @property
    def is_number(self) -> bool:
        """Whether all values are numbers and no times."""
        return bool(self.numeric) and not self.is_time

    @property
    def is_whole(self) -> bool:
        """Whether all values are whole numbers."""
        return bool(self.numeric) and all(number == int(number) for number in self.numeric)

    @property
    def is_nested(self) -> bool:
        """Whether its values are objects or lists of them."""
        return self.type == "other" or next(iter(self.counts), "").lstrip().startswith(("{", "[{"))

    @cached_property
    def is_id(self) -> bool:
        """Whether its values can be ids."""
        if self.type in ("time", "boolean", "other") or not self.counts:
            return False
        if self.numeric and not self.is_whole and (self.type != "text" or self.words[-1] != "id"):
            return False
        if self.is_time and self.words[-1] not in ("id", "key", "code"):
            return False
        return max(map(len, self.counts)) <= 80 and not all(" " in value for value in self.counts)


@dataclass(frozen=True)
class Identity:
    """How the people are known who are anonymous in some rows: by rows that have both of their ids.

    Attributes:
        anonymous: the column with the id that everybody has.
        user: the column with the id of who is known.
        known_anonymous: the column with the first id, where both are there.
        known_user: the column with the second id, where both are there.
    """

    anonymous: Field
    user: Field
    known_anonymous: Field
    known_user: Field


@dataclass(frozen=True)
class View:
    """Rows that are made of a table: some of them, or one for each element of a list.

    Attributes:
        table: the name of the table.
        where: the SQL condition of the rows.
        event: the event that all rows are about, if it is one.
        elements: the column with a list, and the keys that lead to it, each element of which becomes a row.
        nested: how objects are stored in the list, "json" or "struct".
        distinct: whether rows that come twice count once.
        identity: how people are known who are anonymous in some rows.
    """

    table: str
    where: str = ""
    event: str = ""
    elements: tuple[str, ...] = ()
    nested: str = ""
    distinct: bool = False
    identity: Identity | None = None

    @property
    def is_filter(self) -> bool:
        """Whether it is no more than some rows of the table."""
        return not (self.elements or self.distinct or self.identity)


@dataclass(frozen=True, eq=False)
class TableProfile:
    """What is known of a table.

    Attributes:
        name: its name.
        sample: the rows that were looked at.
        fields: its columns, and the values inside of columns of objects.
        view: how it is made of another table, None for a table that is there.
    """

    name: str
    sample: Sample = field(repr=False)
    fields: tuple[Field, ...] = field(repr=False)
    view: View | None = None

    @property
    def source(self) -> str:
        """The name of the table that is there."""
        return self.view.table if self.view else self.name

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words of its name."""
        return tokens(self.name)

    @property
    def columns(self) -> list[str]:
        """The names of its columns."""
        return list(dict.fromkeys(one.column for one in self.fields))

    @property
    def size(self) -> str:
        """How many rows it has, for people."""
        if self.sample.count is None:
            return f"over {self.sample.rows.num_rows:,} rows"
        return f"{'' if self.sample.exact else 'about '}{self.sample.count:,} rows"


def profile(place: Place, rows: int = ROWS) -> list[TableProfile]:
    """Profile every table of an open place that can be read."""
    tables = []
    for name in place.names():
        try:
            sample = place.sample(name, rows)
        except InputError as error:
            logger.info(f"{name} is left out: {error}")
            continue
        if sample.rows.num_rows:
            tables.append(TableProfile(name, sample, tuple(fields_of(name, sample.rows))))
    return tables


def fields_of(table: str, rows: pa.Table) -> Iterator[Field]:
    """The columns of *rows* of a table, and what lies inside of those that hold objects or lists."""
    for name, column in zip(rows.column_names, rows.columns, strict=True):
        if name == FILE:
            continue
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        yield from _nested(table, name, (), column)


def _nested(table: str, name: str, path: tuple[str, ...], column: pa.ChunkedArray) -> Iterator[Field]:
    if pa.types.is_struct(column.type):
        for inner in column.type:
            yield from _nested(table, name, (*path, inner.name), pc.struct_field(column, inner.name))
        return
    yield _field(table, name, path, "struct" if path else "", column)
    if pa.types.is_list(column.type):
        yield from _elements(table, name, path, column)
    elif not path and (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        for keys, leaf in forms.leaves(column.to_pylist()).items():
            one = _field(table, name, keys, "json", pa.chunked_array([pa.array(leaf, pa.string())]))
            if not one.in_list or _names_rows(one):
                yield one


def _elements(table: str, name: str, path: tuple[str, ...], column: pa.ChunkedArray) -> Iterator[Field]:
    """The ids in the first elements of lists, by which rows name others."""
    longest = pc.max(pc.list_value_length(column)).as_py() or 0
    for place in range(min(forms.MAX_ELEMENTS, longest)):
        for one in _nested(table, name, (*path, f"[{place}]"), _element(column, place)):
            if _names_rows(one):
                yield one


def _names_rows(one: Field) -> bool:
    """Whether an element of a list is an id, by which rows name others."""
    return one.is_id and (one.words[-1] in ("id", "uuid", "key", "email") or one.path[-1].startswith("["))


def _element(column: pa.ChunkedArray, place: int) -> pa.ChunkedArray:
    values = [value[place] if value and len(value) > place else None for value in column.to_pylist()]
    return pa.chunked_array([pa.array(values, column.type.value_type)])


def values_of(rows: pa.Table, one: Field) -> list[str | None]:
    """The values of a column, or of what lies inside it, for each of the *rows*, as text."""
    column = rows[one.column]
    if one.nested == "json":
        return forms.leaves(column.to_pylist()).get(one.path, [None] * len(column))
    for key in one.path:
        column = _element(column, int(key[1:-1])) if key.startswith("[") else pc.struct_field(column, key)
    return [None if value is None else str(value) for value in column.to_pylist()]


def _field(table: str, name: str, path: tuple[str, ...], nested: str, column: pa.ChunkedArray) -> Field:
    type_ = _type(column.type)
    counts = _counts(column, type_)
    plain = Field(table, name, path, nested, type_, len(column), counts)
    if type_ in ("boolean", "other") or not counts:
        return plain
    if type_ == "time":
        return Field(table, name, path, nested, type_, len(column), counts, times=("",))
    parsed = forms.numbers(counts)
    numeric, decimal = (tuple(parsed[0]), parsed[1]) if parsed else ((), ".")
    times: list[str] = []
    if not numeric:
        times = forms.text_forms(counts)
    elif all(number == int(number) for number in numeric) and _timely(plain.words):
        epoch = forms.epoch_form(numeric)
        times = [epoch] if epoch else forms.text_forms(counts)
    return Field(table, name, path, nested, type_, len(column), counts, numeric, decimal, tuple(times))


def _timely(words: tuple[str, ...]) -> bool:
    """Whether a name can be that of a time."""
    return bool(set(words) & TIME_WORDS) and words[-1] not in ("id", "key", "code", "number")


def _type(kind: pa.DataType) -> str:
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind):
        return "integer"
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "float"
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return "time"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return "text"
    return "other"


def _counts(column: pa.ChunkedArray, type_: str) -> dict[str, int]:
    if type_ == "other":
        return {}
    counted = pc.value_counts(column.drop_null().combine_chunks())
    numbers = counted.field("counts").to_pylist()
    if type_ == "float":
        texts = [
            f"{value:.0f}" if value == value // 1 else repr(value)
            for value in map(float, counted.field("values").to_pylist())
            if value == value
        ]
    elif type_ == "boolean":
        texts = [str(value).lower() for value in counted.field("values").to_pylist()]
    else:
        texts = pc.cast(counted.field("values"), pa.string()).to_pylist()
    return {text: number for text, number in zip(texts, numbers, strict=False) if text.strip()}
