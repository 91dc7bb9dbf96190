"""The reviewer's page: one self-contained HTML file, made from a run's evidence."""

from ripple.training.report.page import render

__all__ = ["render"]
