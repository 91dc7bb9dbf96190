"""The interactions table: contacts along true ties, chance contacts, and referrals.

An observed tie has a contact when it forms, unless it was there at the start, and more at a constant rate.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ripple.arrays import Ints
from ripple.simulation.world.calendar import DAYS_PER_YEAR, Calendar
from ripple.simulation.world.columns import customer_ids, labels
from ripple.simulation.world.delays import reporting_delays
from ripple.simulation.world.population import Population
from ripple.simulation.world.referrals import Referrals
from ripple.simulation.world.ties import Ties, draw_others, overlap
from ripple.simulation.world.worlds import World

REFERENT = ("follow", "mention", "endorsement")
INFORMATIONAL = ("share", "post")
EXPERT = ("answer", "template", "mentoring")
"""The kinds of contact that show referent, informational and expert power (French & Raven 1959)."""
KINDS = (*REFERENT, *INFORMATIONAL, *EXPERT, "referral")
CHANCE_SHARE = 0.2
"""The number of contacts between customers without a tie, as a share of those along ties."""
CHANCE_INSIDE_SHARE = 0.5
"""The share of these that stay inside a community."""


def interactions_table(
    world: World,
    population: Population,
    ties: Ties,
    referrals: Referrals,
    calendar: Calendar,
    rng: np.random.Generator,
) -> pa.Table:
    """Every interaction, in the order of time."""
    observed = np.flatnonzero(ties.observed & (ties.opens < ties.closes))
    years = (ties.closes - ties.opens)[observed] / DAYS_PER_YEAR
    later = np.repeat(observed, rng.poisson(world.contacts_per_year * ties.strength[observed] * years))
    formed = observed[ties.opens[observed] > 0]
    contact = np.concatenate((formed, later))
    along_source, along_target = ties.source[contact], ties.target[contact]
    chance_source, chance_target = _chance_pairs(population, ties, round(CHANCE_SHARE * contact.size), rng)

    source = np.concatenate((along_source, chance_source))
    target = np.concatenate((along_target, chance_target))
    opens, closes = overlap(population, source, target)
    day = rng.uniform(opens, closes)
    # as many of the chance contacts are at the first moment, so that the moment does not reveal the ties
    at_once = rng.random(day.size) < formed.size / max(contact.size, 1)
    at_once[: contact.size] = False
    at_once[: formed.size] = True
    day = np.where(at_once & (opens > 0), opens, day)
    kind = _kinds(population, source, rng)
    strength = np.concatenate((ties.strength[contact], np.ones(chance_source.size)))
    weight = np.round(strength * rng.lognormal(sigma=0.3, size=day.size), 2)

    source, target = (
        np.concatenate(parts) for parts in ((source, referrals.source), (target, referrals.target))
    )
    day = np.concatenate((day, population.joined[referrals.target]))
    kind = np.concatenate((kind, np.full(referrals.source.size, KINDS.index("referral"))))
    weight = np.concatenate((weight, np.ones(referrals.source.size)))

    order = np.argsort(day, kind="stable")
    return pa.table(
        {
            "source_id": customer_ids(source[order]),
            "target_id": customer_ids(target[order]),
            "occurred_at": calendar.timestamps(day[order]),
            "kind": labels(KINDS, kind[order]),
            "weight": weight[order],
            "known_at": calendar.timestamps(day[order] + reporting_delays(day.size, rng)),
        }
    )


def _chance_pairs(
    population: Population, ties: Ties, count: int, rng: np.random.Generator
) -> tuple[Ints, Ints]:
    source = rng.integers(population.size, size=count)
    target = draw_others(population.community, source, CHANCE_INSIDE_SHARE, rng)
    opens, closes = overlap(population, source, target)
    tied = np.isin(target * population.size + source, ties.target * population.size + ties.source)
    fit = ~tied & (opens < closes)
    return source[fit], target[fit]


def _kinds(population: Population, source: Ints, rng: np.random.Generator) -> Ints:
    """The more expert the source, the more of its contacts are expert; the louder, the more informational."""
    referent = np.ones(source.size)
    informational = np.exp(population.voice[source])
    expert = np.exp(population.expertise[source])
    drawn = rng.random(source.size) * (referent + informational + expert)
    power = (drawn >= referent).astype(np.int64) + (drawn >= referent + informational)
    sizes = np.array([len(REFERENT), len(INFORMATIONAL), len(EXPERT)])
    return (np.cumsum(sizes) - sizes)[power] + rng.integers(sizes[power])
