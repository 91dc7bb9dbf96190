"""Settings of what the report suggests and shows: plays, and attributes of customers."""

from __future__ import annotations

from pydantic import Field

from ripple.sections.play_rules import RULES, Rule
from ripple.sections.section import MAX_DAYS, Section


class Plays(Section):
    """Who counts as influential, as a big spender, as unhappy or fading, and what is then suggested."""

    network_share: float = Field(
        0.1, gt=0, lt=1, description="share of customers whose expected network value counts as high"
    )
    direct_share: float = Field(
        0.1, gt=0, lt=1, description="share of customers whose expected spend counts as high"
    )
    unhappy_below: float = Field(
        -0.25, ge=-1, le=1, description="latest feedback below which a customer counts as unhappy"
    )
    happy_above: float = Field(
        0.25, ge=-1, le=1, description="latest feedback above which a customer counts as happy"
    )
    feedback_days: int = Field(
        180,
        ge=1,
        le=MAX_DAYS,
        description="feedback older than this does not count: the customer is then silent",
    )
    fading_below: float = Field(
        0.35,
        ge=0,
        le=1,
        description="fading: less than this share of use in twice the longest window is in its later half",
    )
    effect: float = Field(
        0.1,
        gt=0,
        le=1,
        description="assumed share of the value at stake that a play saves or wins, until it is measured",
    )
    rest_days: int = Field(
        90,
        ge=0,
        le=MAX_DAYS,
        description="days after a contact in plays_log in which a customer gets no play",
    )
    margin_share: float | None = Field(
        None, gt=0, le=1, description="margin ÷ revenue, where orders have no margin"
    )
    thin_margin: float = Field(0.2, ge=0, le=1, description="a margin share below this is thin")
    rules: tuple[Rule, ...] = Field(RULES, description="who gets which play; the first that fits counts")


class Report(Section):
    """Which attributes of customers stand beside them in the report and in plays.csv."""

    name: str = Field("display_name", min_length=1, description="attribute that names a customer")
    owner: str = Field(
        "owner", min_length=1, description="attribute that names the person who looks after a customer"
    )
    attributes: tuple[str, ...] | None = Field(
        None, description="further attributes, in this order; all that there are where absent"
    )
