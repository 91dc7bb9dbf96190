"""docs/serving.md is true to the code."""

from __future__ import annotations

import ast
import re

from tests.support.checkout import ROOT
from tests.support.metric_families import metric_families

PAGE = (ROOT / "docs/serving.md").read_text(encoding="utf-8")


def _raised_errors() -> set[tuple[int, str]]:
    """Status and code of every error that the service makes itself."""
    raised = set()
    for file in (ROOT / "serving").rglob("*.py"):
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
                arguments = [
                    argument.value if isinstance(argument, ast.Constant) else None for argument in call.args
                ]
                if call.func.id == "unavailable":
                    raised.add((503, str(arguments[0])))
                elif call.func.id == "RequestError" and arguments[1] is not None:
                    raised.add((int(arguments[0] or 0), str(arguments[1])))
    return raised


def test_it_lists_every_error_and_none_that_there_is_not() -> None:
    listed = {
        (int(status), code) for status, code in re.findall(r"^\| (\d{3}) \| `(\w+)` \|", PAGE, re.MULTILINE)
    }
    assert len(_raised_errors()) > 10
    assert listed == _raised_errors() | {(400, "json_invalid")}


def test_it_lists_every_measure_and_none_that_there_is_not() -> None:
    names = {family.name + "_total" * (family.type == "counter") for family in metric_families()}
    assert set(re.findall(r"`(ripple_\w+)`", PAGE)) == names
