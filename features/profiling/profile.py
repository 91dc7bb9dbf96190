"""Profiles tables: of each column its type, what is missing, how many values it has and of what form."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

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
MAX_COMMON = 40
"""The number of distinct values up to which a column has few of them."""


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

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words of its name; those of the column before a leaf that says little itself."""
        leaf = tokens(self.path[-1]) if self.path else ()
        return (
            leaf
            if len(leaf) > 1 or (leaf and leaf[-1] not in ("id", "value", "key", "name"))
            else (
                *tokens(self.path[-2] if len(self.path) > 1 else self.column),
                *leaf,
            )
        )

    @property
    def name(self) -> str:
        """Its name, for people."""
        return ".".join((self.column, *self.path))

    @property
    def filled(self) -> int:
        """The number of rows with a value."""
        return sum(self.counts.values())

    @property
    def unique(self) -> bool:
        """Whether no value occurs twice in the rows that were looked at."""
        return len(self.counts) == self.filled > 0

    @property
    def is_time(self) -> bool:
        """Whether all values are times."""
        return bool(self.times)

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
        if self.numeric and not self.is_whole:
            return False
        if self.is_time and self.words[-1] not in ("id", "key", "code"):
            return False
        return max(map(len, self.counts)) <= 80 and not all(" " in value for value in self.counts)


@dataclass(frozen=True, eq=False)
class TableProfile:
    """What is known of a table.

    Attributes:
        name: its name.
        sample: the rows that were looked at.
        fields: its columns, and the values inside of columns of objects.
    """

    name: str
    sample: Sample = field(repr=False)
    fields: tuple[Field, ...] = field(repr=False)

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
            tables.append(TableProfile(name, sample, tuple(_fields(name, sample.rows))))
    return tables


def _fields(table: str, rows: pa.Table) -> Iterator[Field]:
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
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        first = next((value for value in column.to_pylist() if value and value.strip()), "")
        if first.lstrip().startswith("{"):
            for keys, leaf in forms.leaves(column.to_pylist()).items():
                yield _field(table, name, keys, "json", pa.chunked_array([pa.array(leaf, pa.string())]))


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
