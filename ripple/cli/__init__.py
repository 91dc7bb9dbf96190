"""The command line of Ripple. Each module holds the commands of one kind of user."""

from ripple.cli import data, experiments, extending, proposing, serving, training, versions
from ripple.cli.application import app, main

__all__ = ["app", "data", "experiments", "extending", "main", "proposing", "serving", "training", "versions"]
