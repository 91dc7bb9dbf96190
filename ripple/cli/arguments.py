"""Arguments and options that several commands share."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from ripple.errors import InputError

FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]
"""The forms in which a moment may be given."""


def _table(out: Path) -> Path:
    if out.suffix not in (".parquet", ".csv"):
        raise InputError(f"--out {out} must end in .parquet or .csv.")
    return out


Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="Folder of files, a DuckDB or SQLite file, or a URL of a database or store; see docs/data.md.",
    ),
]
SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        metavar="FILE.toml",
        dir_okay=False,
        help="Settings to use instead of the ripple.toml next to the data.",
    ),
]
StoreSettings = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        metavar="FILE.toml",
        dir_okay=False,
        help="Settings that say where versions are kept, instead of the ripple.toml in this folder.",
    ),
]
Out = Annotated[
    Path,
    typer.Option("--out", metavar="FILE.parquet", callback=_table, help="File to write; or FILE.csv."),
]
AsOf = Annotated[
    datetime,
    typer.Option("--as-of", formats=FORMATS, metavar="DATE", help="A date means its first moment, UTC."),
]
KnownUntil = Annotated[
    datetime | None,
    typer.Option(
        "--as-of",
        formats=FORMATS,
        metavar="DATE",
        help="Use nothing that was known after DATE; the end of the data if left out.",
    ),
]
