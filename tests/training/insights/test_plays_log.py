from datetime import datetime, timedelta

import ibis
import pandas as pd
import pytest

from ripple.errors import InputError
from ripple.features.dataset import Dataset
from ripple.features.tables.tables import Tables
from ripple.settings import Plays, Settings
from ripple.training.insights.plays_log import contacts, plays_log, resting, treated_by_cutoff

NOW = datetime(2025, 7, 1)


def days(number: float) -> datetime:
    return NOW + timedelta(days=number)


LOG = pd.DataFrame(
    {
        "customer_id": ["b", "a", "b", "c"],
        "play": ["rescue", "partner", "partner", "rescue"],
        "contacted_at": [days(-100), days(-60), days(-59), days(1)],
        "outcome": ["reached", None, None, None],
    }
)


def dataset(log: pd.DataFrame | None, rest_days: int = 90) -> Dataset:
    settings = Settings(plays=Plays(rest_days=rest_days))
    return Dataset(
        "shop", "nowhere", settings, Tables({}), plays_log=None if log is None else ibis.memtable(log)
    )


def test_contacts_are_those_of_the_time_in_order():
    found = contacts(dataset(LOG), days(-100), NOW)
    assert list(found["customer_id"]) == ["b", "a", "b"]
    assert list(found.columns) == ["customer_id", "play", "contacted_at"]
    assert list(contacts(dataset(LOG), days(-99), days(-60))["customer_id"]) == []
    assert contacts(dataset(None), days(-100), NOW).empty


@pytest.mark.parametrize(("rest_days", "expected"), [(0, []), (59, ["b"]), (90, ["a", "b"])])
def test_customers_rest_for_some_days_after_a_contact(rest_days, expected):
    assert list(resting(dataset(LOG, rest_days), NOW)) == expected


@pytest.mark.parametrize("rest_days", [0, 59, 90])
def test_the_log_holds_all_that_was_known_and_until_when_customers_rest(rest_days):
    known = plays_log(dataset(LOG, rest_days), NOW)
    assert list(known.contacts["customer_id"]) == ["b", "a", "b"]
    assert set(known.resting.index) == set(resting(dataset(LOG, rest_days), NOW))
    assert plays_log(dataset(LOG), NOW).resting.to_dict() == {"a": days(30), "b": days(31)}
    assert plays_log(dataset(None), NOW) is None


def test_a_contact_without_a_customer_or_a_time_is_an_error():
    with pytest.raises(InputError, match="2 rows lack customer_id, play or contacted_at"):
        contacts(dataset(LOG.assign(contacted_at=[pd.NaT, *LOG["contacted_at"][1:3], pd.NaT])), NOW, NOW)


def test_cutoffs_whose_labels_may_follow_from_plays_are_marked():
    cutoffs = [days(-400), days(-200), days(-59.5)]
    # of the last cutoff b and c, as its horizon of 180 days goes on; of the one before a and b, once each
    assert treated_by_cutoff(dataset(LOG), cutoffs) == {days(-200): 2, days(-59.5): 2}
    assert treated_by_cutoff(dataset(None), cutoffs) == {}
