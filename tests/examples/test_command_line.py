"""The command line of conversions; those of the examples try it with their own files."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pytest

from examples.command_line import run


@pytest.fixture
def parser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> argparse.ArgumentParser:
    monkeypatch.setattr(sys, "argv", ["convert", str(tmp_path), str(tmp_path / "out")])
    parser = argparse.ArgumentParser()
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    return parser


def test_tables_are_listed_with_their_numbers_of_rows(
    parser: argparse.ArgumentParser, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(parser, lambda options: "", lambda options: {"orders": 1234, "customers": 5}) == 0
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["orders", "1,234", "rows"],
        ["customers", "5", "rows"],
    ]


def test_nothing_is_converted_where_files_are_missing_or_in_the_way(
    parser: argparse.ArgumentParser, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    converted: list[argparse.Namespace] = []

    def convert(options: argparse.Namespace) -> dict[str, int]:
        converted.append(options)
        return {}

    assert run(parser, lambda options: "sales.csv", convert) == 2
    assert f"{tmp_path} lacks sales.csv." in capsys.readouterr().err
    (tmp_path / "out").mkdir()
    assert run(parser, lambda options: "", convert) == 2
    assert "exists already" in capsys.readouterr().err
    assert converted == []
