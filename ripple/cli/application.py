"""The application of Typer: results go to stdout, progress to stderr, bad input ends with 2."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
from typing import Annotated, Any, NoReturn, TextIO, cast

import typer

from ripple.cli.progress import ProgressHandler, ResultStream
from ripple.errors import InputError
from ripple.redaction import hidden

# threads that wait for each other must not spin: on a busy machine that takes minutes instead of seconds
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

INTERRUPTED = 130
"""Exit code after Ctrl-C."""

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Find the customers who make other customers buy.",
)


class RedactingStream:
    """A stream that lets no password of a URL through, whoever writes: Typer, a library or a traceback."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write *text* without the passwords."""
        return self._stream.write(hidden(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"ripple {version('ripple')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Print the version.")
    ] = False,
) -> None:
    """Find the customers who make other customers buy."""


def main() -> None:
    """Run the command line; bad input is reported in a few lines, without a traceback, and ends with 2."""
    sys.stderr = cast(TextIO, RedactingStream(sys.stderr))
    logger = logging.getLogger("ripple")
    logger.setLevel(logging.INFO)
    progress = ProgressHandler()
    logger.addHandler(progress)
    logger.propagate = False
    if isinstance(sys.stdout, io.TextIOWrapper):
        # a name that the terminal cannot show must not end a command that has done its work
        sys.stdout.reconfigure(errors="replace")
    sys.stdout = cast(TextIO, ResultStream(sys.stdout, progress.take_bar_away))
    try:
        with contextlib.closing(progress):
            app()
    except InputError as error:
        sys.stderr.write(f"Error: {error}\n")
        sys.exit(2)
    except Exception as error:
        from ripple.cli import failures

        if (code := failures.interruption(error)) is not None:
            _interrupted(code)
        if (message := failures.explanation(error)) is None:
            raise
        sys.stderr.write(f"Error: {message}\n")
        sys.exit(2)
    except SystemExit as error:
        # of Typer, for Ctrl-C
        if error.code == INTERRUPTED:
            _interrupted(INTERRUPTED)
        raise


def _interrupted(code: int) -> NoReturn:
    sys.stderr.write("Interrupted.\n")
    sys.exit(code)
