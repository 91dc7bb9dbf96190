"""Spark, for data beyond one machine: a session that computes as DuckDB does, and Ibis on it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.types as ir

from ripple.errors import InputError
from ripple.extras import missing_extras
from ripple.features.tables.sources.source import Source, validate_columns

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


def read(source: Source) -> dict[str, ir.Table]:
    """The tables of the contract in a folder of Parquet files, which every worker must see at the same path.

    Raises:
        InputError: as for `session`, or the source is not such a folder.
    """
    files = source.files()
    if not files or any(file.suffix != ".parquet" for paths in files.values() for file in paths):
        raise InputError(f"Spark reads a folder of Parquet files, which {source} is not.")
    backend = connect()
    tables = {}
    for name, paths in files.items():
        view = ibis.util.gen_name(name)
        rows = session().read.option("mergeSchema", "true").parquet(*map(str, paths))
        rows.createOrReplaceTempView(view)
        tables[name] = backend.table(view)
    validate_columns({name: table.columns for name, table in tables.items()})
    return tables


def connect() -> ibis.backends.pyspark.Backend:
    """Ibis on `session()`.

    Raises:
        InputError: as for `session`.
    """
    return ibis.pyspark.connect(session())
