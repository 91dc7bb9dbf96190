"""The command line of Ripple. Each module holds the commands of one kind of user."""

from ripple.cli import data, serving, training, versions
from ripple.cli.application import app, main

__all__ = ["app", "data", "main", "serving", "training", "versions"]
