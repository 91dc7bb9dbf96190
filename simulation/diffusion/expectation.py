"""Expected influence, rather than what was realised: an upper bound for any prediction.

The expected influence value of a customer is the mean of the leave-one-out value over redraws of all that is
random after the start of the window, given the latent traits and the state at the start: background and
influence clocks that had not rung yet, and payments. Fixed are the customers, when they join and leave, their
ties and referrals, and the products with their campaigns.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import reduce
from operator import add

import numpy as np
import pandas as pd

from ripple.simulation.diffusion.clocks import AdoptionState, draw_clocks
from ripple.simulation.diffusion.first_passage import spread_adoptions
from ripple.simulation.diffusion.payments import draw_payments
from ripple.simulation.diffusion.realisation import History
from ripple.simulation.diffusion.truth import leave_one_out
from ripple.simulation.world.calendar import Window


def expected_leave_one_out(
    history: History, start: datetime, end: datetime, redraws: int, seed: int
) -> pd.DataFrame:
    """Means of the columns of `leave_one_out` over *redraws* redraws; the same rows.

    Each redraw is exact (see `clocks.draw_clocks`), so the only error is that of the mean.

    Raises:
        ValueError: the window reaches out of the simulated months, there is to be no redraw, or there is a
            play in *history*, whose clocks would not be redrawn.
    """
    if history.played is not None:
        raise ValueError("Expected values are of a world without a play.")
    if redraws < 1:
        raise ValueError(f"redraws = {redraws}: at least 1 is needed.")
    window = history.calendar.window(start, end)
    values = (
        leave_one_out(resampled_after(history, window, rng), start, end)
        for rng in np.random.default_rng(seed).spawn(redraws)
    )
    return reduce(add, values) / redraws


def resampled_after(history: History, window: Window, rng: np.random.Generator) -> History:
    """The same up to the start of *window*, and drawn anew from there on.

    Adoptions up to then lose their causes and payments, which no longer matter.
    """
    population, ties, products, calendar = (
        history.population,
        history.ties,
        history.products,
        history.calendar,
    )
    state = AdoptionState(window.first_day, np.full_like(history.clocks.background, np.inf))
    earlier = history.adoptions.where(~window.after_start(history.adoptions.day))
    state.adopted[earlier.product, earlier.customer] = earlier.day
    clocks = draw_clocks(history.world, population, ties, products, calendar, state, rng)
    adoptions = spread_adoptions(clocks, ties)
    later = window.after_start(adoptions.day)
    payments = draw_payments(adoptions.where(later), population, products, calendar, rng)
    payments = replace(payments, adoption=np.flatnonzero(later)[payments.adoption])
    return replace(history, clocks=clocks, adoptions=adoptions, payments=payments)
