from datetime import datetime

import pandas as pd
import pytest

from ripple.errors import InputError
from ripple.features.validation.checks import load
from ripple.settings import Settings
from ripple.training.examples.profile import shown_profile, validate_shown_attributes
from tests.support.oracles import feature_frames

AS_OF = datetime(2025, 1, 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    frames = {
        "customers": pd.DataFrame(
            {
                "customer_id": ["a", "b"],
                "joined_at": datetime(2024, 1, 1),
                "company": ["Acme", None],
                "manager": ["Ann", "Bob"],
                "plan": ["pro", "free"],
                "seats": [1250, 2],
            }
        ),
        "orders": pd.DataFrame(
            {"customer_id": ["a", "b"], "ordered_at": AS_OF, "product": "p", "revenue": 5.0}
        ),
        "interactions": pd.DataFrame(
            {
                "source_id": ["a"],
                "target_id": ["b"],
                "occurred_at": datetime(2024, 6, 1),
                "kind": "follow",
            }
        ),
    }
    return feature_frames.write(frames, tmp_path_factory.mktemp("profile") / "data")


def opened(folder, **report):
    return load(folder, Settings.model_validate({"report": report}))[0]


def test_all_attributes_are_shown_unless_some_are_chosen(folder):
    assert list(shown_profile(opened(folder), AS_OF)) == ["company", "manager", "plan", "seats"]
    chosen = opened(folder, name="company", owner="manager", attributes=["seats"])
    validate_shown_attributes(chosen)
    profile = shown_profile(chosen, AS_OF)
    assert list(profile) == ["display_name", "owner", "seats"]
    assert profile.loc["a"].tolist() == ["Acme", "Ann", 1250]
    assert list(shown_profile(opened(folder, attributes=[]), AS_OF)) == []


@pytest.mark.parametrize(
    ("report", "message"),
    [
        ({"name": "compny"}, r"report.name = 'compny': .* did you mean 'company'\?"),
        ({"owner": "x"}, r"report.owner = 'x': .* known are company, manager, plan, seats"),
        ({"attributes": ["plan", "saets"]}, r"report.attributes\[1\] = 'saets'"),
    ],
)
def test_an_attribute_that_is_not_there_is_refused(folder, report, message):
    with pytest.raises(InputError, match=message):
        validate_shown_attributes(opened(folder, **report))


def test_the_usual_names_need_not_be_there(folder):
    validate_shown_attributes(opened(folder))
