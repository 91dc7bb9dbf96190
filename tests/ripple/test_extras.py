import importlib.metadata

import pytest

from ripple.errors import InputError
from ripple.extras import missing_extras, require


@pytest.fixture
def without(monkeypatch):
    """Makes distributions look as if they were not installed."""

    def hide(*names):
        real = importlib.metadata.distribution

        def distribution(name):
            if name in names:
                raise importlib.metadata.PackageNotFoundError(name)
            return real(name)

        monkeypatch.setattr("ripple.extras.distribution", distribution)

    return hide


def test_what_is_installed_is_not_asked_for():
    require("train", "serve", "spark", "postgres", "tune")


@pytest.mark.parametrize(
    ("hidden", "named"),
    [
        ("mlflow", ["train"]),
        ("bentoml", ["serve"]),
        ("numpy", ["train", "serve"]),
        ("redis", ["serve"]),
        ("ibis-framework", ["train"]),
    ],
)
def test_the_extras_that_are_missing_are_named_together(without, hidden, named):
    without(hidden)
    with pytest.raises(InputError) as refused:
        require("train", "serve")
    assert f".whl[{','.join(named)}]'" in str(refused.value)


def test_extras_that_are_not_needed_are_not_looked_at(without):
    without("optuna", "pyspark", "adbc-driver-postgresql")
    require("train", "serve")


def test_the_message_is_one_line_with_both_ways_to_install():
    message = str(missing_extras("train", "serve"))
    assert "\n" not in message
    assert ".whl[train,serve]'" in message
    assert message.endswith("--extra train --extra serve.")
