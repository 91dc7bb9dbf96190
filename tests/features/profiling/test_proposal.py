"""A proposal is as sure as its least sure line."""

from __future__ import annotations

import pytest

from ripple.features.profiling.proposal import Choice, Part, Proposal, listed, percent, surety
from tests.support.proposals import Looking, company


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0 %"), (1, "100 %"), (0.254, "25 %"), (0.9961, "99.6 %"), (0.002, "0.2 %")]
)
def test_a_share_that_is_not_all_is_not_called_all(share, text):
    assert percent(share) == text


def test_sure_likely_and_guess():
    assert [surety(share).split()[0] for share in (0.9, 0.7, 0.3)] == ["sure", "likely", "guess"]
    assert listed(range(8)) == "0, 1, 2, 3, 4, 5, … (8 in all)"


def test_a_part_is_as_sure_as_its_least_sure_required_column(look: Looking) -> None:
    tables, _, _ = look(company())
    columns = {
        "customer_id": Choice(confidence=0.9),
        "joined_at": Choice(confidence=0.4),
        "industry": Choice(confidence=0.1),
    }
    part = Part("customers", tables[0], columns)
    assert part.confidence == 0.4
    proposal = Proposal(tables, [part])
    assert proposal.is_needed
    assert tables[0] not in proposal.unused
    assert len(proposal.unused) == len(tables) - 1
