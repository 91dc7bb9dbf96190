"""The floor of the start answers, and imports nothing but BentoML."""

from __future__ import annotations

import ast
import importlib

import pytest

from tests.support.checkout import ROOT


# raised inside BentoML when it is imported
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_it_answers_with_a_constant() -> None:
    startup_floor = importlib.import_module("benchmarks.endpoint.startup_floor")
    assert startup_floor.Floor.inner().score() == 1.0


def test_it_and_the_packages_around_it_need_bentoml_alone() -> None:
    for file in ("__init__.py", "endpoint/__init__.py", "endpoint/startup_floor.py"):
        tree = ast.parse((ROOT / "benchmarks" / file).read_text(encoding="utf-8"))
        imported = {
            name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names
        }
        origins = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert imported | origins <= {"bentoml", "__future__"}
