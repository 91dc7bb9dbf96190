"""The report of a training run: one self-contained HTML page."""

from ripple.training.report.page import render

__all__ = ["render"]
