"""Spark, for data beyond one machine: a session that computes as DuckDB does, and Ibis on it."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.types as ir
from sqlglot import exp

from ripple.errors import InputError
from ripple.extras import missing_extras
from ripple.features.tables.engine import cached
from ripple.features.tables.sources.folder import FileFolder, OpenFolder
from ripple.features.tables.sources.parquet_types import validate_nanoseconds
from ripple.features.tables.sources.source import Place, Source

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    # what overflows or cannot be read is an error, as in DuckDB and in Spark 4, and not silently null
    "spark.sql.ansi.enabled": "true",
    # results come as Arrow, not row by row
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}


def session() -> SparkSession:
    """The running Spark session, or else a new one, with `SETTINGS`.

    A new session follows `spark-submit` and spark-defaults.conf; the environment variable SPARK_MASTER names
    another master, and without any of these the session is local, on all cores.

    Raises:
        InputError: the extra `spark` is not installed, or there is no Java to run it.
    """
    try:
        from pyspark.errors import PySparkRuntimeError
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise missing_extras("spark") from error
    builder: Any = SparkSession.builder.appName("ripple")
    master = os.environ.get("SPARK_MASTER")
    if master:
        builder = builder.master(master)
    if "PYSPARK_GATEWAY_PORT" not in os.environ and (master or "local").startswith("local"):
        # workers on this machine need the libraries that are here; a cluster has a Python of its own
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    try:
        running: SparkSession = builder.getOrCreate()
    except PySparkRuntimeError as error:
        if "JAVA_GATEWAY_EXITED" not in str(error):
            raise
        home = os.environ.get("JAVA_HOME")
        java_home = f"JAVA_HOME is {home}" if home else "JAVA_HOME is not set"
        raise InputError(
            f"Spark found no Java that it can run on ({java_home}): install Java 17 and set JAVA_HOME to it."
        ) from error
    for name, value in SETTINGS.items():
        running.conf.set(name, value)
    return running


class FolderOnSpark(Place):
    """The tables in a folder of Parquet files, which every worker must see at the same path.

    Queries are written in the dialect of DuckDB, as for every folder.

    Raises:
        InputError: as for `session`, or the source is no folder.
    """

    dialect = "duckdb"

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        if not isinstance(source, FileFolder):
            raise InputError(f"Spark reads a folder of Parquet files, which {source} is not.")
        self._folder = OpenFolder(source)
        self._backend = connect()
        self._views: dict[str, str] = {}

    def names(self) -> list[str]:
        """The names of files and folders, without their suffixes."""
        return self._folder.names()

    def relation(self, name: str) -> exp.Table:
        """A temporary view of the files."""
        if name not in self._views:
            files = self._folder.files(name)
            if not files:
                raise InputError(
                    f"Spark reads a folder of Parquet files, which {name} in {self.source} is not."
                )
            validate_nanoseconds(files)
            self._views[name] = ibis.util.gen_name("files")
            rows = session().read.option("mergeSchema", "true").parquet(*map(str, files))
            rows.createOrReplaceTempView(self._views[name])
        return exp.to_table(self._views[name])

    def columns(self, query: exp.Query) -> list[str]:
        """The names of the columns of a query."""
        return list(self.read(query).columns)

    def read(self, query: exp.Query, exact: Collection[str] = ()) -> ir.Table:
        """The rows of a query."""
        from pyspark.errors import AnalysisException

        try:
            return self._backend.sql(query.sql(self.dialect), dialect=self.dialect)
        except AnalysisException as error:
            raise InputError(f"{self.source}: {str(error).splitlines()[0]}") from error

    def compute(self, rows: ir.Table, columns: Collection[str]) -> None:
        """Compute *columns* in one scan."""
        from pyspark.errors import PySparkException

        counts = {f"{place}": rows[name].count() for place, name in enumerate(columns)}
        try:
            rows.aggregate(rows.count(), **counts).to_pyarrow()
        except PySparkException as error:
            raise InputError(f"{self.source}: {str(error).splitlines()[0]}") from error

    def stored(self, rows: ir.Table) -> ir.Table:
        """*rows* in Spark's cache."""
        kept = cached(rows)
        self.compute(kept, kept.columns)
        return kept

    @property
    def skipped(self) -> list[str]:
        """The files and folders with tables that were left out for their names."""
        return self._folder.skipped

    def unused(self, used: Collection[str]) -> list[str]:
        """The tables, and the files in no known form, that the tables *used* are not made of."""
        return self._folder.unused(used)

    def explain_missing(self, name: str) -> str:
        """That no file or folder has this name, and the nearest that is there."""
        return self._folder.explain_missing(name)


def connect() -> ibis.backends.pyspark.Backend:
    """Ibis on `session()`.

    Raises:
        InputError: as for `session`.
    """
    return ibis.pyspark.connect(session())
