"""Converts values as they are stored to the types of the contract, as a mapping says."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, datetime

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
from sqlglot.dialects.spark import Spark
from sqlglot.time import format_time

from ripple.features.tables.contract import Column
from ripple.sections.tables import EPOCHS, ColumnMapping, Ids

MICROSECONDS = dt.Timestamp(scale=6)
_UTC = dt.Timestamp(timezone="UTC", scale=6)
TYPES = {"id": "string", "text": "string", "time": MICROSECONDS, "number": "float64"}
"""Type of the contract → its type in the engine."""
UNITS = {"cents": 100, "micros": 1_000_000}
"""Unit of an amount → how many make one of its currency."""
MINOR_UNITS = {
    1: "BIF CLP DJF GNF ISK JPY KMF KRW MGA PYG RWF UGX UYI VND VUV XAF XOF XPF",
    1_000: "BHD IQD JOD KWD LYD OMR TND",
}
"""How many of its smallest unit make one of a currency, by ISO 4217, where it is not a hundred."""
_FIRST, _LAST = (
    round((datetime(year, month, day) - datetime(1970, 1, 1)).total_seconds()) * 1_000_000
    for year, month, day in ((MINYEAR, 1, 1), (MAXYEAR, 12, 31))
)


def convert(value: ir.Column, column: Column, mapping: ColumnMapping | None, ids: Ids | None) -> ir.Column:
    """A stored *value* as the type of the contract's *column*, null where it cannot be read as such.

    Args:
        value: the column as it is stored.
        column: what it is to be.
        mapping: how it is mapped, if it is.
        ids: how ids are made alike, if this is the id of a customer or a user.
    """
    match column.type:
        case "id" | "text":
            return _text(value, ids)
        case "time":
            return _time(value, mapping)
        case "number":
            return _number(value, mapping)


def comparable(kind: dt.DataType) -> bool:
    """Whether customers can be compared by an attribute of this type."""
    return not (
        kind.is_nested() or kind.is_json() or kind.is_interval() or kind.is_geospatial() or kind.is_unknown()
    )


def attribute(value: ir.Column) -> ir.Column:
    """The *value* of an attribute; a date is a time, as Python knows no date after the year 9999."""
    return value.try_cast(MICROSECONDS) if value.type().is_date() else value


def trimmed(text: ir.StringColumn) -> ir.StringColumn:
    """*text* without the spaces around it; where Ibis strips on Spark, the letters f and v go as well."""
    return text.re_replace(r"^\s+|\s+$", "")


def has_value(column: ir.Column) -> ir.BooleanValue:
    """Whether there is a value; a text of nothing but spaces is none."""
    notnull = column.notnull()
    return notnull & column.re_search(r"\S") if column.type().is_string() else notnull


def amount(
    number: ir.FloatingValue, mapping: ColumnMapping, negative: ir.Column | None, currency: ir.Column | None
) -> ir.FloatingValue:
    """A *number* in the unit of its currency, with the sign that it has to have."""
    if mapping.unit == "minor" and currency is not None:
        code = trimmed(currency.cast("string")).upper()
        per_unit = ibis.cases(
            *((code.isin(codes.split()), factor) for factor, codes in MINOR_UNITS.items()), else_=100
        )
        number = number / per_unit
    elif mapping.unit is not None:
        number = number / UNITS.get(mapping.unit, 100)
    if negative is not None:
        # some databases have numbers for truth
        number = ibis.ifelse(negative.cast("boolean").fill_null(False), -number.abs(), number)
    return number


def _text(value: ir.Column, ids: Ids | None) -> ir.Column:
    kind = value.type()
    if kind.is_string():
        text = value
    elif kind.is_integer() or kind.is_uuid() or (kind.is_decimal() and kind.scale == 0):
        text = value.cast("string")
    else:
        return ibis.null("string")
    if ids is not None and ids.trim:
        text = trimmed(text)
    if ids is not None and ids.case is not None:
        text = text.lower() if ids.case == "lower" else text.upper()
    return text.nullif("")


def _number(value: ir.Column, mapping: ColumnMapping | None) -> ir.Column:
    kind = value.type()
    if kind.is_numeric():
        return value.cast("float64")
    if kind.is_string():
        if mapping is not None and mapping.decimal == ",":
            value = value.replace(".", "").replace(",", ".")
        return value.try_cast("float64")
    return ibis.null("float64")


def _time(value: ir.Column, mapping: ColumnMapping | None) -> ir.Column:
    form = mapping.format if mapping is not None else None
    moment = _parsed_time(value, form)
    if mapping is None or mapping.zone is None or (value.type().is_timestamp() and value.type().timezone):
        return moment
    engine = FUNCTIONS[value.get_backend().name]
    return engine.to_utc(moment, mapping.zone)


def _parsed_time(value: ir.Column, form: str | None) -> ir.Column:
    kind, engine = value.type(), FUNCTIONS[value.get_backend().name]
    if form in EPOCHS:
        if not (kind.is_numeric() or kind.is_string()):
            return ibis.null(MICROSECONDS)
        micros = _micros(value, EPOCHS[form])
        inside = micros.between(_FIRST, _LAST)
        return engine.from_micros(ibis.ifelse(inside, micros, ibis.null("int64")))
    if kind.is_timestamp() or kind.is_date():
        # and nothing more, so that an engine can leave out files and parts of them by their times
        return value.cast(MICROSECONDS)
    if not kind.is_string():
        return ibis.null(MICROSECONDS)
    if form is not None:
        moment = engine.parse(trimmed(value), form)
    else:
        # by way of a zoned time: cast at once, DuckDB would drop the +02:00
        moment = value.try_cast(dt.Timestamp("UTC")).cast(MICROSECONDS)
    # DuckDB knows years, and an infinity, that Python does not
    return ibis.ifelse(moment.year().between(MINYEAR, MAXYEAR), moment, ibis.null(MICROSECONDS))


def _micros(value: ir.Column, per_second: int) -> ir.IntegerColumn:
    """The microseconds since 1970 of a number of which *per_second* make a second; null beyond 64 bits."""
    if not value.type().is_integer():
        micros = value.try_cast("float64") * (1_000_000 / per_second)
        # by way of a decimal, to which every engine rounds
        return micros.try_cast("decimal(20, 0)").try_cast("int64")
    if per_second > 1_000_000:
        return value.cast("int64") // (per_second // 1_000_000)
    factor = 1_000_000 // per_second
    inside = value.between(_FIRST // factor, _LAST // factor)
    return ibis.ifelse(inside, value, ibis.null(value.type())).cast("int64") * factor


@dataclass(frozen=True)
class Functions:
    """What an engine calls its functions of time.

    Attributes:
        parse: a time from its text and a format of strptime, null where it is of another form.
        to_utc: a local time in a zone, in UTC.
        from_micros: a time from the microseconds since 1970.
    """

    parse: Callable[[ir.Column, str], ir.Column]
    to_utc: Callable[[ir.Column, str], ir.Column]
    from_micros: Callable[[ir.Column], ir.Column]


def _builtin(
    name: str, *arguments: dt.DataType, returns: dt.DataType = MICROSECONDS
) -> Callable[..., ir.Column]:
    """The function of the engine that is called *name*."""

    def unary(first: object) -> None: ...
    def binary(first: object, second: object) -> None: ...

    body = unary if len(arguments) == 1 else binary
    function: Callable[..., ir.Column] = ibis.udf.scalar.builtin(
        body, name=name, signature=(arguments, returns)
    )
    return function


_strptime = _builtin("try_strptime", dt.string, dt.string)
_timezone = _builtin("timezone", dt.string, MICROSECONDS, returns=_UTC)
_to_timestamp = _builtin("try_to_timestamp", dt.string, dt.string)
_to_utc_timestamp = _builtin("to_utc_timestamp", MICROSECONDS, dt.string)


def _java_format(form: str) -> str:
    """A format of strptime as Spark has it, in which letters that are none of it are quoted."""
    return re.sub(
        "(%-?[a-zA-Z])|([a-zA-Z]+)",
        lambda part: (
            format_time(part[1], Spark.INVERSE_TIME_MAPPING, Spark.INVERSE_TIME_TRIE) or part[1]
            if part[1]
            else f"'{part[2]}'"
        ),
        form,
    )


FUNCTIONS = {
    "duckdb": Functions(
        _strptime,
        lambda moment, zone: _timezone(zone, moment).cast(MICROSECONDS),
        _builtin("make_timestamp", dt.int64),
    ),
    "pyspark": Functions(
        lambda text, form: _to_timestamp(text, _java_format(form)),
        _to_utc_timestamp,
        _builtin("timestamp_micros", dt.int64),
    ),
}
"""By Ibis' name of an engine."""
