"""The command line of Ripple. Each module holds the commands of one kind of user."""

from ripple.cli import data, extending, serving, training, versions
from ripple.cli.application import app, main

__all__ = ["app", "data", "extending", "main", "serving", "training", "versions"]
