"""The label of features: who moved others to use a feature, by a case made by hand and a slow reference."""

import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ripple.features.tables.tables import Tables
from ripple.training.attribution.adoptions import FEATURE_USES, read_history
from ripple.training.attribution.exposures import read_contacts
from ripple.training.attribution.feature_adoptions import feature_adoptions
from ripple.training.attribution.label import attribute_window, baseline_strata
from ripple.training.attribution.robustness import LATE_TIES, SHUFFLED_TIMES
from tests.support.event_tables import (
    WINDOW,
    contact,
    contagion,
    credit_settings,
    day,
    joined,
    order,
    referral,
    shuffled,
    tables,
)
from tests.support.reference_attribution import label as reference

START, END = WINDOW
PAIRS = 12
COLUMNS = ["influenced_feature_adoptions", "influenced_adopters"]
SMALL = {"baseline": "product"}


def use(customer, on, feature="f"):
    return {"customer_id": customer, "occurred_at": day(on), "feature": feature}


def as_usage(rows):
    """The rows of `contagion`, with a use of a feature for every order, and one order of one product each."""
    customers, orders, contacts, usage = rows
    uses = [
        {"customer_id": row["customer_id"], "occurred_at": row["ordered_at"], "feature": row["product"]}
        for row in orders
    ]
    once = [order(row["customer_id"], 0.0) for row in customers]
    return customers, once, contacts, uses + [row | {"feature": "basic"} for row in usage]


def computed(dataset, window=WINDOW, **credit):
    credited = feature_adoptions(dataset, *window, credit_settings(**credit)).credited
    assert credited.index.is_monotonic_increasing
    return credited


def pairs():
    """s00 uses a feature and t00, whom s00 had reached, a day later, and so on; all bought one product."""
    numbers = range(PAIRS)
    names = [f"{role}{number:02d}" for role in "st" for number in numbers]
    usage = [use(f"s{number:02d}", 42 + 4 * number) for number in numbers]
    usage += [use(f"t{number:02d}", 43 + 4 * number) for number in numbers]
    contacts = [contact(f"s{number:02d}", f"t{number:02d}") for number in numbers]
    bought = [order(name, 1.0) for name in names] + [order(name, 99.0) for name in names]
    return [joined(name) for name in names], bought, contacts, usage


def test_with_one_product_that_all_bought_features_show_who_moves_others():
    credited = computed(tables(*pairs()), **SMALL)
    sources = credited[credited.index.str.startswith("s")]
    # the later, the fewer are left to be compared with
    assert (sources[:8] > 0.4).all(axis=None)
    assert (sources > 0.1).all(axis=None)
    assert (sources <= 1).all(axis=None)
    assert not credited.drop(sources.index).any(axis=None)
    pd.testing.assert_series_equal(sources[COLUMNS[0]], sources[COLUMNS[1]], check_names=False, atol=1e-5)


def test_two_features_of_one_other_are_two_adoptions_and_at_most_one_adopter():
    customers, orders, contacts, usage = pairs()
    again = [row | {"feature": "g"} for row in usage]
    credited = computed(tables(customers, orders, contacts, usage + again), **SMALL)
    one, both = computed(tables(customers, orders, contacts, usage), **SMALL).loc["s03"], credited.loc["s03"]
    assert both[COLUMNS[0]] > 1.7 * one[COLUMNS[0]]
    assert one[COLUMNS[1]] < both[COLUMNS[1]] < 1


def test_a_referral_takes_nothing_away():
    customers, orders, contacts, usage = pairs()
    plain = computed(tables(customers, orders, contacts, usage), **SMALL)
    referred = computed(tables(customers, orders, [*contacts, referral("t09", "t03")], usage), **SMALL)
    assert referred.loc["s03"].tolist() == pytest.approx(plain.loc["s03"].tolist(), rel=0.1)
    assert referred.loc["t09"].tolist() == [0, 0]


def test_a_row_without_any_use_is_no_first_use():
    present = tables(*pairs()).tables
    usage = present["usage"]
    quantity = ibis.ifelse(usage.customer_id == "t03", 0.0, 2.0)
    credited = computed(Tables({**present, "usage": usage.mutate(quantity=quantity)}), **SMALL)
    assert credited.loc["s03"].tolist() == [0, 0]
    assert (credited.loc["s04"] > 0).all()


def test_without_usage_or_interactions_there_is_no_label():
    customers, orders, contacts, usage = pairs()
    for present in (tables(customers, orders, contacts), tables(customers, orders, usage=usage)):
        assert feature_adoptions(present, *WINDOW, credit_settings()) is None


CHOICES = [
    {"baseline": "product"},
    {"baseline": "strata", "lookback_days": 20, "bandwidth_days": 3.5},
    {"baseline": "joined", "lookback_days": 15},
    {"baseline": "model", "lookback_days": 0, "expansion": False, "window_days": 12},
]


@pytest.mark.parametrize(("seed", "credit"), list(enumerate(CHOICES)), ids=str)
def test_the_label_is_that_of_the_slow_reference(seed, credit):
    rows = as_usage(contagion(seed))
    dataset, chosen = tables(*rows), credit_settings(**credit)
    history = read_history(dataset, *WINDOW, chosen.credit, FEATURE_USES)
    strata = baseline_strata(read_contacts(dataset, history, *WINDOW), history, chosen).tolist()
    by_customer = dict(zip(history.customer_ids.to_pylist(), strata, strict=True))
    expected = reference.feature_adoptions(*rows, *WINDOW, chosen.credit, by_customer)
    credited = computed(dataset, **credit)
    assert list(credited.index) == sorted(expected)
    assert credited[COLUMNS[0]].sum() > 1
    tolerance = {"rel": 1e-4, "abs": 1e-4} if credit["baseline"] in ("model", "joined") else {"abs": 2e-6}
    for customer, row in expected.items():
        assert credited.loc[customer].to_dict() == pytest.approx(row, **tolerance), customer


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_credit_for_one_adoption_is_at_most_one_and_follows_the_customer_not_the_id(seed):
    rows = as_usage(contagion(seed, crowd=20))
    chosen = credit_settings(lookback_days=15)
    history, causes = attribute_window(tables(*rows), *WINDOW, chosen, FEATURE_USES)
    by_adoption = pd.Series(causes.probability).groupby(causes.adoption).sum()
    assert (by_adoption <= 1 + 1e-9).all()
    assert (causes.incremental_share >= 0).all()
    assert (causes.incremental_share <= 1).all()
    assert (history.adoptions.day[causes.adoption] > 0).all()
    credited = computed(tables(*rows), lookback_days=15)
    assert (credited[COLUMNS[1]] <= credited[COLUMNS[0]] + 1e-5).all()

    def renamed(table):
        return [
            {key: f"z{value[::-1]}" if key.endswith("_id") else value for key, value in row.items()}
            for row in table
        ]

    other = computed(tables(*(shuffled(renamed(table), seed) for table in rows)), lookback_days=15)
    same = other.loc[[f"z{name[::-1]}" for name in credited.index]]
    assert same.to_numpy() == pytest.approx(credited.to_numpy(), abs=1e-5)


def test_what_is_known_or_happens_later_changes_nothing():
    customers, orders, contacts, usage = pairs()
    early = computed(tables(customers, orders, contacts, usage).until(END), **SMALL)
    late_contact = contact("t05", "t03", known=101.0)
    more = tables(
        [*customers, joined("z", 100.5)],
        orders,
        [*contacts, late_contact],
        [*usage, use("s03", 100.5, "g"), use("t03", 100.6, "g")],
    )
    pd.testing.assert_frame_equal(computed(more.until(END), **SMALL), early)


def test_placebos_are_shares_of_what_is_credited():
    dataset = tables(*as_usage(contagion(3)))
    chosen = credit_settings(lookback_days=15)
    label = feature_adoptions(dataset, *WINDOW, chosen, placebos=True)
    assert list(label.placebos.index) == [SHUFFLED_TIMES, LATE_TIES]
    shares = label.placebos["influenced"] / label.influenced
    pd.testing.assert_series_equal(label.placebos["share"], shares, check_names=False)
    assert label.placebo_share == min(label.placebos["share"].max(), 1)
    assert label.placebos.loc[LATE_TIES, "share"] < 1
    # newcomers of the window are credited too, but have no row
    assert label.influenced >= label.credited[COLUMNS[0]].sum() - 1e-4 > 1
    usage = dataset["usage"].to_pandas().groupby(["customer_id", "feature"])["occurred_at"].min()
    assert label.first_uses == ((usage > START) & (usage <= END)).sum()
    assert label.share == label.influenced / label.first_uses
    assert feature_adoptions(dataset, *WINDOW, chosen).placebos.empty
