from __future__ import annotations

import pytest
from pydantic import ValidationError

from ripple.serving.experiment_schemas import Experiment
from tests.support.publication_content import TESTED


def test_an_experiment_is_read_as_it_was_written() -> None:
    for one in TESTED:
        assert Experiment.model_validate_json(one.model_dump_json()) == one
        # what a later service tells beyond it does no harm
        assert Experiment.model_validate(one.model_dump() | {"later": 1}) == one


@pytest.mark.parametrize(("field", "value"), [("status", "paused"), ("units", "city"), ("plays", None)])
def test_an_experiment_of_another_kind_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValidationError):
        Experiment.model_validate(TESTED[0].model_dump() | {field: value})


def test_an_effect_is_a_finite_number() -> None:
    play = TESTED[0].plays[0].model_dump()
    effect = play["effects"][0] | {"low": float("-inf")}
    with pytest.raises(ValidationError):
        Experiment.model_validate(TESTED[0].model_dump() | {"plays": [play | {"effects": [effect]}]})
