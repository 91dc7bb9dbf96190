import pytest
from pydantic import ValidationError

from ripple.sections.play_rules import RULES, Rule


def test_every_play_by_default_has_a_condition_and_its_own_name():
    assert len({rule.play for rule in RULES}) == len(RULES) == 7
    for rule in RULES:
        assert rule.network or rule.direct or rule.sentiment or rule.fading


@pytest.mark.parametrize("wrong", [{"network": "medium"}, {"play": ""}, {"mood": "happy"}])
def test_a_rule_refuses_what_it_does_not_know(wrong):
    with pytest.raises(ValidationError):
        Rule(**{"play": "greet", "action": "say hello"} | wrong)
