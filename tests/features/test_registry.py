import pytest

from ripple.features import registry
from ripple.features.registry import FAMILIES, features
from ripple.features.views import VIEWS
from ripple.settings import Features

WINDOWS = Features(windows_days=(7, 30))


@pytest.fixture(
    params=[Features(), WINDOWS, Features(windows_days=(365,))], ids=lambda f: str(f.windows_days)
)
def chosen(request):
    return features(request.param)


def test_names_are_distinct_identifiers_in_lower_case(chosen):
    names = [feature.name for feature in chosen]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() and name == name.lower() for name in names)


def test_every_feature_says_what_it_is_and_in_which_unit(chosen):
    for feature in chosen:
        assert len(feature.description) > 20
        assert feature.description.endswith((".", ")"))
        assert not set("{}|\n") & set(feature.description)
        assert feature.unit
        assert "{" not in "".join(feature.needs)


def test_by_default_there_are_60_to_90_features():
    assert 60 <= len(features(Features())) <= 90


def test_features_come_in_the_order_of_families(chosen):
    families = [feature.family for feature in chosen]
    assert families == sorted(families, key=FAMILIES.index)
    assert set(families) == set(FAMILIES)


def test_every_view_exists_or_is_given(chosen):
    assert {feature.view for feature in chosen} <= {*VIEWS, "credit", "matrix"}


def test_a_window_makes_one_feature_with_its_days_in_name_and_description():
    events = {f.name: f.description for f in features(WINDOWS) if f.name.startswith("events_")}
    assert list(events) == ["events_7d", "events_30d"]
    assert "last 30 days" in events["events_30d"]
    assert [f.needs for f in features(WINDOWS) if f.name == "engagement_percentile_7d"] == [
        ("active_days_7d",)
    ]


def test_a_power_makes_one_feature_in_its_own_family():
    strength = {f.name: (f.family, f.description) for f in features(WINDOWS) if f.view == "contacts"}
    for power in ("referent", "informational", "expert"):
        assert strength[f"{power}_strength"][0] == power
    assert "informational interactions" in strength["informational_strength"][1]


def test_two_features_of_one_name_are_an_error(monkeypatch):
    definitions = registry.DEFINITIONS
    again = next(definition for definition in definitions if definition.build.__name__ == "tenure_days")
    monkeypatch.setattr(registry, "DEFINITIONS", [*definitions, again])
    with pytest.raises(RuntimeError, match=r"two features share a name: \['tenure_days'\]"):
        features(WINDOWS)
