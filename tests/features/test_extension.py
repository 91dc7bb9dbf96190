"""Features that a user adds, in a features.py beside the data or by a package."""

from __future__ import annotations

import re
from datetime import datetime
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ripple.errors import InputError
from ripple.features import extension
from ripple.features.dataset import open_dataset
from ripple.settings import Settings, load
from tests.support.oracles import feature_frames

AS_OF = datetime(2024, 4, 1)
WEEKENDS = '''"""Features of ours."""

from ripple.features.extension import feature, ratio, sum_or_zero


@feature("engagement", "share", empty=None)
def weekend_share(usage, as_of, days):
    """Share of the events of the last {days} days on a Saturday or Sunday."""
    recent = usage.age <= days
    weekday = (usage.day + 3) % 7  # Monday is 0
    weekends = sum_or_zero(usage.events, recent & (weekday >= 5))
    return ratio(weekends, sum_or_zero(usage.events, recent))
'''


@pytest.fixture
def opened(tmp_path):
    """The random dataset with this code beside it."""

    def opened(code: str):
        folder = feature_frames.write(feature_frames.random(), tmp_path / "data")
        (folder / "features.py").write_text(code)
        return open_dataset(folder, load(folder))

    return opened


def shares(days: int) -> pd.Series:
    """The same share, by pandas."""
    usage = feature_frames.random()["usage"]
    known = usage[(usage.occurred_at < AS_OF) & ~(usage.known_at >= AS_OF)]
    recent = known[known.occurred_at >= AS_OF - pd.Timedelta(days=days)]
    return (recent.occurred_at.dt.day_of_week >= 5).groupby(recent.customer_id).mean()


def test_ten_lines_beside_the_data_are_a_feature_for_each_window(opened):
    matrix = feature_frames.features_at(opened(WEEKENDS), AS_OF)
    for days in (30, 90):
        expected = shares(days).reindex(matrix.index)
        pd.testing.assert_series_equal(matrix[f"weekend_share_{days}d"], expected, check_names=False)
    assert matrix["weekend_share_30d"].notna().sum() > 20


def test_ripples_own_features_stay_as_they_are(opened, tmp_path):
    own = feature_frames.features_at(opened("# nothing"), AS_OF)
    with_more = feature_frames.features_at(opened(WEEKENDS), AS_OF)
    assert feature_frames.bits(with_more[own.columns]) == feature_frames.bits(own)
    # nor does a dataset opened after it know of them
    assert list(feature_frames.features_at(opened("# nothing"), AS_OF).columns) == list(own.columns)


def test_a_view_has_the_rows_themselves(opened):
    code = (
        WEEKENDS
        + '''

@feature("ours", "users")
def people_ever(usage_rows, as_of):
    """Distinct people at the customer."""
    return usage_rows.user_id.nunique()


@feature("ours", "customers")
def sources(interaction_rows, as_of):
    """Customers to whom the customer did anything."""
    return interaction_rows.target.nunique()
'''
    )
    matrix = feature_frames.features_at(opened(code), AS_OF)
    frames = feature_frames.random()
    for table, column, time, by, name in (
        ("usage", "user_id", "occurred_at", "customer_id", "people_ever"),
        ("interactions", "target_id", "occurred_at", "source_id", "sources"),
    ):
        rows = frames[table]
        known = rows[(rows[time] < AS_OF) & ~(rows.known_at >= AS_OF)]
        expected = known.groupby(by)[column].nunique().reindex(matrix.index).fillna(0)
        assert matrix[name].tolist() == expected.tolist()


def test_a_change_of_the_code_is_another_digest(opened):
    first, second = opened(WEEKENDS).extension, opened(WEEKENDS + "\n# more\n").extension
    assert first.digest != second.digest
    assert opened("# nothing").extension == extension.NO_EXTENSION


def test_a_package_may_bring_features(opened, tmp_path, monkeypatch):
    (tmp_path / "weekends_of_ours.py").write_text(WEEKENDS)
    monkeypatch.syspath_prepend(tmp_path)
    entry = EntryPoint("weekends", "weekends_of_ours", extension.ENTRY_POINTS)
    monkeypatch.setattr(extension, "entry_points", lambda group: [entry] if group == entry.group else [])
    for _ in range(2):  # a module runs once in a process
        dataset = opened("# nothing")
        (definition,) = dataset.extension.definitions
        assert definition.build.__name__ == "weekend_share"


@pytest.mark.parametrize(
    ("was", "now", "message"),
    [
        ("from ripple", "from rippel", "features.py cannot be run: line 3: ModuleNotFoundError"),
        ("def weekend_share(", "def weekend_share((", "features.py cannot be run: line 7: SyntaxError"),
        (
            "(usage, as_of",
            "(usages, as_of",
            "names no view: usages; did you mean 'usage'?",
        ),
        ("as_of, days", "days", "expected the parameters (VIEW, as_of); found (usage, days)"),
        ("days):", "weeks):", "the parameters after as_of may be days and power; found weeks"),
        ('    """Share of', '    # """Share of', "has no docstring"),
        ("recent = ", "today = datetime.now(); recent = ", "line 9: reads the clock (now); use as_of"),
        ("recent = ", "ours = ibis.read_csv('a.csv'); recent = ", "line 9: reads a file (read_csv)"),
        ("recent = ", "ours = open('a.csv'); recent = ", "line 9: reads a file (open)"),
        ("{days} days", "{weeks} weeks", "braces in a docstring or in needs stand for a parameter"),
        ("from ripple", "raise SystemExit(0)\nfrom ripple", "cannot be run: line 3: SystemExit: 0"),
        ("def weekend_share(", "def active_days(", "two features share a name: ['active_days_30d'"),
    ],
)
def test_what_is_no_feature_is_told_with_its_place(opened, was, now, message):
    assert was in WEEKENDS
    with pytest.raises(InputError) as raised:
        opened(WEEKENDS.replace(was, now))
    assert message in str(raised.value)


def test_code_in_another_encoding_is_refused(opened):
    dataset = opened(WEEKENDS)
    file = Path(dataset.place) / "features.py"
    file.write_bytes(WEEKENDS.encode() + "# für uns".encode("cp1252"))
    with pytest.raises(InputError, match=r"features\.py is not text in UTF-8"):
        open_dataset(dataset.place, Settings())


@pytest.mark.parametrize(
    ("was", "now", "message"),
    [
        ("usage.age <= days", "usage.aeg <= days", "features.py: weekend_share: line 9: AttributeError"),
        ("return ratio(", "return 3 #", "weekend_share: expected a number; found int"),
        ("return ratio(", "return usage.events.sum().cast('string') #", "found StringScalar"),
        ("return ratio(", "return usage.events #", "expected one value per customer, as of .sum()"),
        (
            "usage.events, recent)",
            "usage.events, recent) + SQL",
            "weekend_share_30d or weekend_share_90d cannot",
        ),
    ],
)
def test_what_a_feature_gets_wrong_is_told_with_its_line(opened, was, now, message):
    code = WEEKENDS.replace(was, now).replace(
        "SQL", "usage.day.cast('string').replace('1', 'x').cast('int').max()"
    )
    dataset = opened(code)
    with pytest.raises(InputError) as raised:
        feature_frames.features_at(dataset, AS_OF)
    assert message in str(raised.value)


METRIC = '''
import numpy as np

from ripple.features.extension import metric


@metric(at_least=0.25)
def won_by_fifty_calls(score, realised):
    """Share of all value that lies with the fifty customers to call first.

    More text.
    """
    return realised[np.argsort(-score, kind="stable")[:50]].sum() / realised.sum()
'''


def test_a_metric_has_a_name_a_limit_and_a_sentence(opened):
    (metric,) = opened(METRIC).extension.metrics
    assert (metric.name, metric.at_least) == ("won_by_fifty_calls", 0.25)
    assert metric.description == "Share of all value that lies with the fifty customers to call first."
    score, realised = np.arange(100.0), np.ones(100)
    assert metric.compute(score, realised) == 0.5


@pytest.mark.parametrize(
    ("was", "now", "message"),
    [
        ("score, realised", "score", "expected the parameters (score, realised); found (score)"),
        ("def won_by_fifty_calls", "def capture", "Ripple has a metric of this name"),
        ('    """Share', '    # """Share', "cannot be run: line 12: SyntaxError"),
        ("realised.sum()", "realized.sum()", "won_by_fifty_calls: line 13: NameError"),
        ("return realised", "return score, realised", "won_by_fifty_calls: TypeError"),
    ],
)
def test_what_is_no_metric_is_told_before_anything_is_computed(opened, was, now, message):
    assert was in METRIC
    with pytest.raises(InputError) as raised:
        opened(METRIC.replace(was, now))
    assert message in str(raised.value)


def test_what_the_guide_shows_works(opened):
    guide = (Path(__file__).parents[2] / "docs" / "extending.md").read_text(encoding="utf-8")
    code = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    added = opened("\n\n".join(code)).extension
    assert [definition.build.__name__ for definition in added.definitions] == ["weekend_share"]
    assert [metric.name for metric in added.metrics] == ["won_by_fifty_calls"]
