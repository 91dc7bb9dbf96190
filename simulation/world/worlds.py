"""The worlds that can be simulated, each a set of parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class World:
    """The parameters that differ between worlds, above all homophily and influence."""

    background_adoptions_per_year: float
    """Background rate at which a median customer adopts one product, tastes and seasons apart."""
    influence: float
    """Probability that an adoption is transmitted along a tie of median source, target and strength."""
    delay_days: float
    """Mean time from the source's adoption to the target's where it is transmitted."""
    taste_spread: float
    """Standard deviation, on the log scale, of how segments and communities like a product: homophily."""
    ties: float
    """Expected number of customers that a customer may influence, repeated draws included."""
    inside_share: float
    """Share of ties that stay inside the community."""
    referral_share: float
    """Share of the customers joining after the start who are referred, if there is anybody to do it."""
    contacts_per_year: float = 2.0
    """Expected number of interactions in a year along a tie of median strength, besides one when it opens."""
    delay_tail: float | None = None
    """Exponent, above 1, of delays with a power-law tail; none for exponential delays."""
    campaigns_per_year: float = 0.0
    """Campaigns for one product in one community, in a year: neighbours adopt together without influence."""
    campaign_hazard: float = 0.0
    """Hazard of adopting that one campaign adds up to, for a median customer of its community."""
    two_communities_share: float = 0.0
    """Share of customers who belong to a second community: its ties, half of its taste, its campaigns."""
    mutual_share: float = 0.0
    """Share of ties that also act the other way round."""
    hidden_share: float = 0.0
    """Share, at most a half, of ties along which no interaction is observed."""
    features_spread: bool = False
    """Whether features of the service spread as products do, see `tables.first_uses`; else each customer
    learns them alone."""


WORLDS: Mapping[str, World] = MappingProxyType(
    {
        "none": World(
            background_adoptions_per_year=0.01,
            influence=0.0,
            delay_days=20.0,
            taste_spread=1.2,
            ties=12.0,
            inside_share=0.95,
            referral_share=0.0,
            contacts_per_year=6.0,
            campaigns_per_year=0.3,
            campaign_hazard=1.0,
        ),
        "weak": World(
            background_adoptions_per_year=0.01,
            influence=0.01,
            delay_days=20.0,
            taste_spread=1.2,
            ties=12.0,
            inside_share=0.95,
            referral_share=0.1,
            contacts_per_year=6.0,
            campaigns_per_year=0.3,
            campaign_hazard=1.0,
        ),
        "default": World(
            background_adoptions_per_year=0.05,
            influence=0.04,
            delay_days=20.0,
            taste_spread=0.8,
            ties=6.0,
            inside_share=0.8,
            referral_share=0.2,
        ),
        "strong": World(
            background_adoptions_per_year=0.03,
            influence=0.06,
            delay_days=20.0,
            taste_spread=0.8,
            ties=6.0,
            inside_share=0.8,
            referral_share=0.2,
        ),
        "misspecified": World(
            background_adoptions_per_year=0.02,
            influence=0.03,
            delay_days=30.0,
            taste_spread=1.0,
            ties=6.0,
            inside_share=0.8,
            referral_share=0.2,
            contacts_per_year=3.0,
            delay_tail=1.5,
            campaigns_per_year=0.3,
            campaign_hazard=0.4,
            two_communities_share=0.3,
            mutual_share=0.3,
            hidden_share=1 / 3,
        ),
        "referral": World(
            background_adoptions_per_year=0.06,
            influence=0.01,
            delay_days=20.0,
            taste_spread=0.8,
            ties=6.0,
            inside_share=0.8,
            referral_share=0.85,
        ),
    }
)
"""Name → parameters. In all of them the rate of adopting also follows seasons and company-wide campaigns.

- ``none``: nobody influences or refers anybody; tastes and campaigns make neighbours adopt alike, at the
  same time, so that a count of earlier adopters among neighbours looks like influence.
- ``weak``: the same homophily with a little influence.
- ``default``, ``strong``: influence brings about a third and more than half of the adoptions.
- ``misspecified``: the assumptions of the label do not hold. Delays have a power-law tail, a third of the
  ties are never observed, ties run both ways, communities overlap and have campaigns of their own.
- ``referral``: most newcomers are referred by a customer; influence is weak.
"""
