"""The line of ripple.toml that makes values readable which are not: a guess from the values themselves."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import product
from statistics import median

from ripple.features.tables.sources.source import quoted
from ripple.features.tables.typed import Unreadable

MAX_VALUES = 1_000
"""The number of values that a guess rests on at most."""
EPOCH_BOUNDS = {"epoch s": 1e8, "epoch ms": 1e11, "epoch us": 1e14, "epoch ns": 1e17}
"""Form of times that are numbers since 1970 → the least such number, of 1973, in it."""
DATES = (
    *("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d"),
    *("%d/%m/%y", "%m/%d/%y", "%d.%m.%y", "%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%b %d, %Y", "%B %d, %Y"),
)
TIMES_OF_DAY = ("", " %H:%M", " %H:%M:%S", "T%H:%M:%S", "T%H:%M", " %I:%M %p", " %I:%M:%S %p", ", %H:%M")
DECIMAL_COMMA = re.compile(r"-?(\d+|\d{1,3}([. ]\d{3})+)(,\d+)?")
THOUSANDS_COMMA = re.compile(r"-?\d{1,3}(,\d{3})+(\.\d+)?|-?\d+(\.\d+)?")


def conversion(table: str, problem: Unreadable) -> str:
    """What to do about the values of one column that cannot be read: found, and the line that reads them."""
    rows = problem.rows
    if problem.type is None or problem.type == "text":
        return problem.remedy
    kind = rows[problem.column].type()
    if not (kind.is_string() or kind.is_numeric()):
        return f"{problem.remedy}; found {str(kind).partition('(')[0]}"
    sample = rows.select(problem.column).limit(MAX_VALUES).to_pyarrow()[problem.column].to_pylist()
    if not sample:
        return problem.remedy
    mapping = problem.mapping
    source = mapping.column if mapping is not None else problem.column
    options = guess(problem.type, sample, source) if source is not None else None
    if options is None:
        return f"{problem.remedy}; found {sample[0]!r}"
    given = mapping.model_dump(exclude={"column", "format", "decimal"}) if mapping is not None else {}
    values = {"column": source} | given | options
    line = ", ".join(f"{key} = {_toml(value)}" for key, value in values.items())
    remedy = problem.remedy.partition(", or give")[0]
    return (
        f"{remedy}; found {sample[0]!r}, which ripple.toml can have read: "
        f"[tables.{table}.columns] {problem.column} = {{ {line} }}"
    )


def guess(kind: str, values: Sequence[object], source: str) -> dict[str, str] | None:
    """How the column *source* with these *values* is to be mapped to be of this *kind*; None if unknown."""
    if kind == "time":
        return _time(values, source)
    text = [str(value).strip() for value in values]
    if kind == "id":
        is_whole = all(isinstance(value, float) and value.is_integer() for value in values)
        return {"column": f"CAST({_quoted(source)} AS BIGINT)"} if is_whole else None
    if all(map(THOUSANDS_COMMA.fullmatch, text)):
        return {"column": f"replace({_quoted(source)}, ',', '')"}
    if all(map(DECIMAL_COMMA.fullmatch, text)):
        return {"decimal": ","}
    bare = [re.sub(r"[^\d.,-]", "", value) for value in text]
    if bare != text and all(any(map(str.isdigit, value)) for value in bare):
        without_signs = f"regexp_replace({_quoted(source)}, '[^0-9.,-]', '', 'g')"
        if all(re.fullmatch(r"-?\d+(\.\d+)?", value) for value in bare):
            return {"column": without_signs}
        if all(map(DECIMAL_COMMA.fullmatch, bare)):
            return {"column": without_signs, "decimal": ","}
    return None


def _time(values: Sequence[object], source: str) -> dict[str, str] | None:
    text = [str(value).strip() for value in values]
    for date, time in product(DATES, TIMES_OF_DAY):
        if all(_is_time(value, date + time) for value in text):
            is_number = not isinstance(values[0], str)
            column = {"column": f"CAST({_quoted(source)} AS VARCHAR)"} if is_number else {}
            return column | {"format": date + time}
    numbers = [abs(number) for number in map(_number, text) if number is not None]
    if len(numbers) == len(text):
        usual = median(numbers)
        return next(
            ({"format": form} for form, least in EPOCH_BOUNDS.items() if least <= usual < 1000 * least), None
        )
    return None


def _is_time(value: str, form: str) -> bool:
    parse: Callable[[str, str], datetime] = datetime.strptime
    try:
        parse(value, form)
    except ValueError:
        return False
    return True


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _quoted(name: str) -> str:
    return name if re.fullmatch("[a-z_][a-z0-9_]*", name) else quoted(name)


def _toml(value: str) -> str:
    return f"'{value}'" if '"' in value else f'"{value}"'
