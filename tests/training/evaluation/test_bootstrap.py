import numpy as np
import pytest

from ripple.training.evaluation import metrics
from ripple.training.evaluation.bootstrap import draws, everybody, ranked, with_interval
from tests.support.synthetic_predictions import foreseen


@pytest.fixture(scope="module")
def places():
    return ranked(foreseen(1.0), ["predicted"], 0.02)


def test_capture_with_everybody_there_is_the_metric(places):
    for place in places:
        expected = metrics.capture(
            place.rows["predicted"].to_numpy(), place.rows["realised"].to_numpy(), 0.02
        )
        assert place.captures(everybody(places)) == pytest.approx([expected])


def test_capture_of_a_draw_is_the_metric_on_rows_repeated_as_drawn(places):
    for drawn in list(draws(places, 3))[:20]:
        for place in places:
            rows = place.rows.loc[place.rows.index.repeat(drawn[place.who])]
            expected = metrics.capture(rows["predicted"].to_numpy(), rows["realised"].to_numpy(), 0.02)
            assert place.captures(drawn) == pytest.approx([expected])


def test_a_customer_is_drawn_at_every_cutoff_or_at_none(places):
    first, second = places
    drawn = next(iter(draws(places, 1)))
    assert drawn.sum() == len(drawn) == 300
    by_id = [dict(zip(place.rows["customer_id"], drawn[place.who], strict=True)) for place in (first, second)]
    assert by_id[0] == by_id[1]


def test_an_interval_holds_what_it_is_about_and_repeats_itself(places):
    def mean(drawn):
        return float(np.average(places[0].rows["realised"], weights=drawn[places[0].who]))

    value, low, high = with_interval(places, 5, mean)
    assert value == pytest.approx(places[0].rows["realised"].mean())
    assert low < value < high
    assert with_interval(places, 5, mean) == (value, low, high)
    assert with_interval(places, 6, mean) != (value, low, high)


def test_what_is_never_defined_has_no_interval(places):
    assert np.isnan(with_interval(places, 5, lambda drawn: np.nan)).all()
