"""The error of wrong input, which the command line prints without a traceback."""

from __future__ import annotations


class InputError(ValueError):
    """Something the user gave is wrong; the message says what is there, what was expected and what to do."""
