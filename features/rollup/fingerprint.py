"""What tells whether rows have changed: by day, how many there are and the sum of their hashes.

A sum follows neither from the order of rows nor from the files they lie in. What a Parquet file adds to it is
kept under a digest of the bytes of the file, so of a table in many files only other ones are read again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq

from ripple.digests import digest
from ripple.features.expressions import day_number
from ripple.features.rollup.parquet_cache import Folder
from ripple.features.tables.contract import CONTRACT
from ripple.features.tables.sources.source import FILE

if TYPE_CHECKING:
    from ripple.features.tables.tables import Tables

SINCE = {"customers": "joined_at", "catalog": "released_at"}
"""From when a row without an event's time holds."""

DayRows = tuple[int | None, int | None, bool, int, int]
"""Day; day on which known, and whether at its beginning; how many such rows, and the sum of their hashes."""

ByFile = dict[str, list[DayRows]]
"""Rows by the path of their file, or by the digest under which they are kept."""

KEPT = pa.schema(
    {
        "key": pa.string(),
        "day": pa.int32(),
        "known": pa.int32(),
        "at_once": pa.bool_(),
        "rows": pa.int64(),
        # of up to 128 bits, which Parquet has no whole number for
        "hashes": pa.string(),
    }
)


def day_rows(
    tables: Tables, name: str, store: Folder | None = None, attributes: bool = False
) -> list[DayRows]:
    """The rows of a table of the contract, in order; columns beyond it count only with *attributes*."""
    files = tables.files.get(name)
    if store is None or files is None:
        return _added(_counted(_dated(tables[name], name, attributes)).values())
    rows = _dated(files.rows, name, attributes)
    # without the name of the raw table, which is another one in every run
    definition = digest(store.sql(rows).replace(files.raw.name, ""), files.raw.schema, duckdb.__version__)
    keys = {path: digest(definition, content) for path, content in files.digests.items()}
    place = f"rows/{'attributes' if attributes else name}"

    def build() -> pa.Table:
        found: ByFile = {}
        for file in store.files(place):
            found |= _read(file)
        others = [path for path, key in keys.items() if key not in found]
        counted = _counted(rows.filter(rows.file.isin(others))) if others else {}
        for path in others:
            if path not in counted and pq.read_metadata(path).num_rows:
                raise RuntimeError(f"DuckDB knows {path}, which has rows, by another path.")
            found[keys[path]] = counted.get(path, [])
        return _table({key: found[key] for key in keys.values()})

    kept = store.file(place, digest(*sorted(keys.values())), build)
    store.only(place, [kept])
    found = _read(kept)
    return _added(found.get(key, []) for key in keys.values())


def in_contract(table: ir.Table, name: str) -> ir.Table:
    """A table without columns beyond the contract."""
    return table.select([column.name for column in CONTRACT[name].columns if column.name in table.columns])


def moments(table: ir.Table, name: str) -> tuple[ir.TimestampValue, ir.TimestampValue]:
    """When the rows of a table happened or began to hold, and when that was known as well."""
    moment = CONTRACT[name].time or SINCE[name]
    happened = table[moment] if moment in table.columns else ibis.null("timestamp")
    if "known_at" not in table.columns:
        return happened, happened
    return happened, ibis.greatest(happened, table.known_at.fill_null(happened))


def _dated(table: ir.Table, name: str, attributes: bool) -> ir.Table:
    """Columns that count, by place, as an attribute may have any name; when they were known; their file."""
    counting = (table if attributes else in_contract(table, name)).columns
    happened, known = moments(table, name)
    return table.select(
        **{f"column_{place}": table[column] for place, column in enumerate(counting) if column != FILE},
        day=day_number(happened),
        known=day_number(known),
        at_once=(known == known.truncate("D")).fill_null(False),
        file=table[FILE] if FILE in table.columns else ibis.literal(""),
    )


def _counted(rows: ir.Table) -> ByFile:
    columns = ", ".join(column for column in rows.columns if column.startswith("column_"))
    engine = rows.get_backend()
    counted = engine.raw_sql(
        f"SELECT file, day, known, at_once, count(*), sum(hash({columns})) FROM ({engine.compile(rows)}) "
        "GROUP BY ALL"
    )
    found: ByFile = defaultdict(list)
    for file, *row, hashes in counted.fetchall():
        found[file].append((*row, int(hashes)))
    return found


def _added(parts: Iterable[list[DayRows]]) -> list[DayRows]:
    total: dict[tuple[int | None, int | None, bool], tuple[int, int]] = defaultdict(lambda: (0, 0))
    for day, known, at_once, count, hashes in chain.from_iterable(parts):
        before = total[day, known, at_once]
        total[day, known, at_once] = before[0] + count, before[1] + hashes
    ordered = sorted(total, key=lambda when: [(part is None, part or 0) for part in when])
    return [(*when, *total[when]) for when in ordered]


def _table(found: ByFile) -> pa.Table:
    rows = [(key, *row, str(hashes)) for key, counted in found.items() for *row, hashes in counted]
    return pa.Table.from_pylist([dict(zip(KEPT.names, row, strict=True)) for row in rows], schema=KEPT)


def _read(path: Path) -> ByFile:
    found: ByFile = defaultdict(list)
    for key, *row, hashes in (row.values() for row in pq.read_table(path).to_pylist()):
        found[key].append((*row, int(hashes)))
    return found
