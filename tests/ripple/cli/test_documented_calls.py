"""The calls that guides show are run, or read by the real command line, and answers look as they show."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pandas as pd
import pytest
import typer
from markdown_it import MarkdownIt
from mlflow.tracking._tracking_service import utils

from ripple import cli
from tests.support.checkout import ROOT
from tests.support.servers.processes import Ripple, Served, TrainedWorld

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
IDS = {"c004663": "c000663"}
"""Customers of the guides, and who stands for them in a world of 900."""
OTHERS = {"bentoml", "curl", "docker", "export", "kubectl", "mlflow", "pip"}
"""Programs of others, whose options are theirs."""


COMMANDS: dict[str, Any] = vars(typer.main.get_command(cli.app))["commands"]
"""The commands of `ripple` by name."""


class Block(NamedTuple):
    """A fenced block of a page."""

    page: str
    language: str
    text: str


def _blocks() -> Iterator[Block]:
    for page in PAGES:
        for token in MarkdownIt().parse(page.read_text(encoding="utf-8")):
            if token.type == "fence":
                yield Block(page.name, token.info.strip(), token.content)


BLOCKS = list(_blocks())


def _commands(text: str) -> list[list[str]]:
    """The commands of a block of shell, each as its words."""
    joined = re.sub(r"\\\n\s*", " ", text)
    plain = re.sub(r"\"?\$\(date[^)]*\)\"?", "2026-01-01", joined)
    return [words for line in plain.splitlines() if (words := shlex.split(line, comments=True))]


SHELL = [(block.page, words) for block in BLOCKS if block.language == "sh" for words in _commands(block.text)]
RIPPLE = [(page, words) for page, words in SHELL if any(Path(word).name == "ripple" for word in words[:2])]
MAKE = [(page, words) for page, words in SHELL if words[0] == "make"]
# those that write to a file follow from each other, and are run by the test of their page
CURL = [(page, words) for page, words in SHELL if words[0] == "curl" and "-o" not in words]
CLIENT = [
    block for block in BLOCKS if block.language == "python" and "from ripple import Client" in block.text
]
ANSWERS = [block for block in BLOCKS if block.language == "json"]


def _name(value: str | list[str]) -> str:
    return value if isinstance(value, str) else "_".join(value[:3])


def _in_this_world(text: str, url: str) -> str:
    for name, other in IDS.items():
        text = text.replace(name, other)
    return text.replace("http://127.0.0.1:3000", url).replace('key="…"', "key=None")


def test_every_block_of_shell_is_of_a_program_that_is_known_here() -> None:
    programs = {Path(words[0]).name for _, words in SHELL} - {"ripple", "make", "uv"}
    assert {program for program in programs if "=" not in program} <= OTHERS


@pytest.mark.parametrize(("page", "words"), RIPPLE, ids=_name)
def test_a_command_is_one_that_the_command_line_reads(page: str, words: list[str]) -> None:
    arguments = words[[Path(word).name for word in words].index("ripple") + 1 :]
    name, *options = arguments
    with COMMANDS[name].make_context(name, options):
        pass


@pytest.mark.parametrize(("page", "words"), MAKE, ids=_name)
def test_a_target_of_make_is_there(page: str, words: list[str]) -> None:
    targets = [word for word in words[1:] if "=" not in word]
    subprocess.run(["make", "--dry-run", *targets], cwd=ROOT, check=True, capture_output=True)


@pytest.mark.parametrize(("page", "words"), CURL, ids=_name)
def test_a_call_by_curl_is_answered(page: str, words: list[str], served: Served) -> None:
    command = [_in_this_world(word, served.url) for word in words]
    done = subprocess.run([*command, "--fail-with-body"], capture_output=True, text=True)
    answer = json.loads(done.stdout)
    if "/influence" in str(words) and done.returncode:
        # nothing is published yet, which the guide says
        assert answer["error"]["code"] == "influence_not_published"
        return
    assert done.returncode == 0, done.stdout + done.stderr
    assert answer["model_version"] == "1"


@pytest.mark.parametrize("block", CLIENT, ids=lambda block: block.page)
def test_a_call_by_the_client_is_answered(
    block: Block, served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    code = _in_this_world(block.text, served.url)
    names: dict[str, Any] = {}
    exec(compile(code, block.page, "exec"), names)
    printed = capsys.readouterr().out
    assert "a fault in this program" not in printed
    assert "not now" not in printed


def _assert_same_shape(shown: Any, answered: Any, where: str = "") -> None:
    """Fail unless what a guide shows has the fields and types of the real answer; "…" stands for more."""
    if isinstance(shown, dict):
        assert isinstance(answered, dict), where
        fields = set(shown) - {"…"}
        # names of families depend on the model
        assert fields <= set(answered) if "…" in shown else fields == set(answered), where
        for name in fields:
            _assert_same_shape(shown[name], answered[name], f"{where}.{name}")
    elif isinstance(shown, list):
        for item in shown:
            _assert_same_shape(item, answered[0], f"{where}[]")
    else:
        numbers = (int, float)
        kinds = numbers if isinstance(shown, numbers) and not isinstance(shown, bool) else type(shown)
        assert isinstance(answered, kinds), where


def test_the_answer_that_the_guide_shows_is_as_one_that_comes(served: Served) -> None:
    (block,) = ANSWERS
    shown = json.loads(block.text)
    customer_id = IDS[shown["customer"]["customer_id"]]
    answered = httpx.get(f"{served.url}/v1/customers/{customer_id}?explain=1").json()
    _assert_same_shape(shown, answered)
    customer = shown["customer"]
    assert shown["as_of"].endswith("Z")
    # no end of an interval is the prediction itself, and all of them enclose what they should
    ends = [
        customer[f"{name}_{end}"] for name in ("network_value", "if_any_value") for end in ("low", "high")
    ]
    assert customer["network_value"] not in ends
    assert ends[0] < ends[1]
    assert ends[2] < ends[3]
    assert customer["percentile"] == 100 * (6000 - customer["rank"] + 1) / 6000


# what MLflow says of itself and of a model whose features have no types
@pytest.mark.filterwarnings("ignore")
def test_scores_by_mlflow_as_the_readme_shows_are_those_of_the_command(
    ripple: Ripple, trained_world: TrainedWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (code,) = (block.text for block in BLOCKS if block.page == "README.md" and "mlflow" in block.text[:20])
    options, home = ("--as-of", "2026-01-01", "--out"), trained_world.home
    ripple("features", trained_world.data, *options, tmp_path / "features.parquet", home=home)
    ripple("score", trained_world.data, *options, tmp_path / "scores.parquet", home=home)
    features = pd.read_parquet(tmp_path / "features.parquet").set_index("customer_id").head(5)
    scores = pd.read_parquet(tmp_path / "scores.parquet").set_index("customer_id")
    # both are restored, as other tests have servers of their own
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    monkeypatch.setattr(utils, "_tracking_uri", None)
    names: dict[str, Any] = {"features": features}
    database = f"sqlite:///{home}/mlflow.db"
    exec(compile(code.replace("sqlite:///.ripple/mlflow.db", database), "README.md", "exec"), names)
    values = names["scores"].set_index(features.index)["network_value"]
    assert values.tolist() == scores.loc[features.index, "network_value"].tolist()
