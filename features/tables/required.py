"""Which tables and columns must be there, and what to do where one is not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ripple.errors import InputError
from ripple.features.tables.contract import CONTRACTS
from ripple.features.tables.mapping import RawTable
from ripple.features.tables.near_names import near_source
from ripple.features.tables.sources.source import Place


def validate_tables(place: Place, tables: Iterable[str]) -> None:
    """Check that the required tables are among *tables*.

    Raises:
        InputError: a required table is missing.
    """
    names = set(tables)
    for name in ("customers", "orders"):
        if name not in names:
            raise InputError(f"{place.source}: {place.explain_missing(name)}")


def validate_columns(tables: Mapping[str, Sequence[RawTable]]) -> None:
    """Check that every table has its required columns.

    Raises:
        InputError: columns are missing; the message names all of them.
    """
    missing = [
        (name, column, part.theirs)
        for name, parts in tables.items()
        for part in parts
        for column in CONTRACTS[name].required
        if column not in part.rows.columns
    ]
    if missing:
        lines = [
            f"{name}: column '{column}' is missing; found {', '.join(theirs)}"
            for name, column, theirs in missing
        ]
        name, column, theirs = missing[0]
        other = near_source(column, theirs) or "their_column"
        # the name says so, where the values cannot
        value = f'{{ column = "{other}", unit = "cents" }}' if "cents" in other.lower() else f'"{other}"'
        raise InputError(
            "\n".join(lines)
            + "\nColumns of other names are mapped in ripple.toml, which `ripple init DATA` proposes: "
            f"[tables.{name}.columns] {column} = {value}"
        )
