import math
from collections import defaultdict

import numpy as np
import pytest

from ripple.training.attribution.case_control import sample_controls


@pytest.mark.parametrize("max_controls", [2, 5, 1000])
def test_controls_are_of_the_stratum_at_risk_and_none_twice(sample, max_controls):
    history, stratum, reference = sample.history, sample.stratum, sample.reference
    names = sample.names
    sets = sample_controls(history, stratum, max_controls, np.random.default_rng(1))
    again = sample_controls(history, stratum, max_controls, np.random.default_rng(1))
    assert np.array_equal(sets.control, again.control)
    assert np.array_equal(sets.case, again.case)
    assert (np.diff(sets.case) >= 0).all()
    controls = defaultdict(list)
    for case, control in zip(sets.case, sets.control, strict=True):
        controls[case].append(control)
    complete = 0
    for case, adoption in enumerate(history.cases):
        adoptions = history.adoptions
        customer, day = adoptions.customer[adoption], adoptions.day[adoption]
        product = sample.products[adoptions.product[adoption]]
        eligible = {
            other
            for other in range(history.customer_count)
            if other != customer
            and stratum[other] == stratum[customer]
            and reference.at_risk(names[other], product, day)
            and reference.adopted.get((names[other], product), math.inf) > day
        }
        of_case = controls[case]
        assert len(set(of_case)) == len(of_case) <= max_controls
        assert set(of_case) <= eligible
        assert sets.informative[case] == (len(of_case) >= 2)
        if max_controls >= 10:
            assert set(of_case) == eligible
        complete += len(of_case) == min(max_controls, len(eligible))
    assert complete > 0.9 * history.cases.size > 20
