"""What a command says that ends though its input is right."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from mlflow.exceptions import MlflowException

from ripple.cli import failures

MAIN = """
import signal, sys
# as in a terminal; what a shell starts in the background ignores Ctrl-C
signal.signal(signal.SIGINT, signal.default_int_handler)
from ripple.cli import application
from ripple.errors import InputError

@application.app.command()
def boom():
    {body}

sys.argv = ["ripple", "boom"]
application.main()
"""

QUERY = """
    import duckdb, os, signal, threading
    threading.Timer(1, os.kill, (os.getpid(), signal.SIGINT)).start()
    duckdb.sql("select count(*) from range(1000000000) a, range(1000) b where a.range % 7 = b.range").show()
""".strip()


def run(body: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """What the command line does with a command of this *body*."""
    return subprocess.run(
        [sys.executable, "-c", MAIN.format(body=body)],
        env=os.environ | environment,
        capture_output=True,
        check=False,
        timeout=100,
    )


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device", "/data/x"),
            "the disk is full at /data/x. Free now: ",
        ),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "the quota of this user is used up"),
        (OSError(errno.EFBIG, "File too large", "/data/x"), "(ulimit -f) at /data/x"),
        (duckdb.IOException("Could not write to file: No space left on device"), "the disk is full"),
        (
            MlflowException(
                "(while flushing)\n(sqlite3.OperationalError) database or disk is full\n[SQL: x]"
            ),
            "the disk is full ((sqlite3.OperationalError) database or disk is full)",
        ),
    ],
)
def test_a_full_disk_is_told_with_what_is_free_elsewhere(error: Exception, said: str, tmp_path: Path) -> None:
    told = failures.explanation(error)
    assert told is not None
    assert said in told
    assert "RIPPLE_HOME" in told
    assert "TMPDIR" in told


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        duckdb.OutOfMemoryException("failed to allocate"),
        pa.ArrowMemoryError("realloc of size 9"),
    ],
)
def test_too_little_memory_is_told(error: Exception) -> None:
    told = failures.explanation(error)
    assert told is not None
    assert told.startswith("There is too little memory: ")


def test_the_cause_of_an_error_counts_too() -> None:
    error = MlflowException("it failed")
    assert "it failed" in str(failures.explanation(error))
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device", "/data/x")
    assert "the disk is full at /data/x" in str(failures.explanation(error))


@pytest.mark.parametrize(
    "error", [ValueError("no space left on device"), KeyError("memory"), RuntimeError("odd")]
)
def test_a_bug_is_not_explained_away(error: Exception) -> None:
    assert failures.explanation(error) is None
    assert failures.interruption(error) is None


def test_ctrl_c_inside_a_query_ends_with_130_and_one_line() -> None:
    done = run(QUERY)
    assert (done.returncode, done.stderr) == (130, b"Interrupted.\n")
    assert run(f"import os; os.kill(os.getpid(), {int(signal.SIGINT)})").returncode == 130


def test_a_terminal_that_lacks_a_character_does_not_end_a_command() -> None:
    done = run("print('\\u2026 and \\u00fc')", PYTHONIOENCODING="latin-1")
    assert (done.returncode, done.stdout, done.stderr) == (0, "? and ü\n".encode("latin-1"), b"")


def test_a_full_disk_ends_with_2_and_a_bug_with_a_traceback() -> None:
    full = run("open('/dev/full', 'w', buffering=1).write('text\\n')")
    assert full.returncode == 2
    assert full.stderr.startswith(b"Error: Not all could be written: the disk is full")
    assert full.stderr.count(b"\n") == 1
    bug = run("raise RuntimeError('odd')")
    assert bug.returncode == 1
    assert b"Traceback" in bug.stderr
