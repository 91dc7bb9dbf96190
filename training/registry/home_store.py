"""The MLflow store in a home: an sqlite database, and a folder of artifacts beside it.

MLflow records artifacts by absolute path. Where a home has been moved or copied, these paths are rewritten
when it is next opened.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from ripple.errors import InputError
from ripple.locks import exclusive

DATABASE, ARTIFACTS = "mlflow.db", "artifacts"
PATHS = {
    "experiments": ("artifact_location",),
    "runs": ("artifact_uri",),
    "logged_models": ("artifact_location",),
    "model_versions": ("source", "storage_location"),
}
"""The columns of MLflow's tables that hold absolute paths of artifacts."""


@contextmanager
def opened(home: Path) -> Iterator[Path]:
    """Yield the path of the database of *home*, which no other process opens, creates or rewrites meanwhile.

    Raises:
        InputError: the folder cannot be made.
    """
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"RIPPLE_HOME = {home.absolute()} cannot be made a folder: {error.strerror}."
        ) from error
    database = home.resolve() / DATABASE
    with ExitStack() as locked:
        try:
            locked.enter_context(exclusive(database.with_name(f".{DATABASE}.lock")))
        except OSError as error:
            # a home that may only be read is neither created nor rewritten by anybody
            if not database.exists():
                raise InputError(
                    f"RIPPLE_HOME = {home.absolute()} cannot be written: {error.strerror}."
                ) from error
        existed = database.exists()
        if existed:
            _rewrite_moved(database)
        try:
            yield database
        except BaseException:
            # what MLflow has half created it cannot open again
            for file in () if existed else (database, database.with_name(f"{DATABASE}-journal")):
                file.unlink(missing_ok=True)
            raise


def uri(database: Path) -> str:
    """The URI by which MLflow opens *database*, whatever characters its path holds."""
    quoted = str(database).replace("%", "%25").replace("?", "%3F")
    # of sqlite:/// MLflow takes the quoted path for that of the file, and makes its folder
    return f"sqlite{'' if quoted == str(database) else '+pysqlite'}:///{quoted}"


def artifacts_uri(home: Path) -> str:
    """The URI of the folder of artifacts in *home*."""
    return (home.resolve() / ARTIFACTS).as_uri()


def _rewrite_moved(database: Path) -> None:
    """Have the *database* name artifacts where they are, if its home has been moved or copied."""
    current, folder = artifacts_uri(database.parent), database.parent / ARTIFACTS
    with closing(sqlite3.connect(database)) as connection, connection:
        present = _columns(connection)
        if not {("experiments", "artifact_location"), ("runs", "artifact_uri")} <= present:
            return
        located = connection.execute("SELECT DISTINCT artifact_location FROM experiments").fetchall()
        for (former,) in located:
            if former == current or not str(former).startswith("file:") or Path(former).name != ARTIFACTS:
                continue
            runs = connection.execute(
                "SELECT run_uuid FROM runs WHERE artifact_uri LIKE ? || '/%'", (former,)
            )
            # another folder of that name may have been chosen on purpose
            if not any((folder / run).is_dir() for (run,) in runs):
                continue
            for table, columns in PATHS.items():
                for column in columns:
                    if (table, column) in present:
                        _replace_prefix(connection, table, column, former, current)


def _replace_prefix(
    connection: sqlite3.Connection, table: str, column: str, former: str, current: str
) -> None:
    connection.execute(
        f"UPDATE {table} SET {column} = :current || substr({column}, length(:former) + 1) "
        f"WHERE {column} = :former OR substr({column}, 1, length(:former) + 1) = :former || '/'",
        {"former": former, "current": current},
    )


def _columns(connection: sqlite3.Connection) -> set[tuple[str, str]]:
    """Every table and column of `PATHS` that the database has; older versions of MLflow lack some."""
    return {(table, row[1]) for table in PATHS for row in connection.execute(f"PRAGMA table_info({table})")}
