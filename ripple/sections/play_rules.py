"""The rules by which customers get plays: their form in ``ripple.toml``, and those that hold by default."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ripple.sections.section import Section


class Rule(Section):
    """Which customers get a play, and what it is; a condition that is not given holds for everybody."""

    play: str = Field(min_length=1, description="name of the play")
    action: str = Field(min_length=1, description="what to do")
    network: Literal["high", "low"] | None = Field(None, description="network value")
    direct: Literal["high", "low"] | None = Field(None, description="direct value")
    sentiment: Literal["happy", "neutral", "unhappy", "silent"] | None = Field(
        None, description="by the latest feedback; silent where there is none"
    )
    fading: bool | None = Field(None, description="whether engagement is going down")


RULES = (
    Rule(
        play="rescue",
        action="call them this week, and put right what they complain of",
        network="high",
        sentiment="unhappy",
    ),
    Rule(
        play="reawaken",
        action="ask why they use it less, and help them back before those who follow them notice",
        network="high",
        fading=True,
    ),
    Rule(
        play="partner",
        action="name a person for them, and ask for their advice on what to build",
        network="high",
        direct="high",
    ),
    Rule(
        play="advocate",
        action="ask for a reference, a talk or a template, and thank them for it",
        network="high",
        sentiment="happy",
    ),
    Rule(
        play="nurture",
        action="train them on advanced features, and give them a place to show what they do",
        network="high",
    ),
    Rule(
        play="win back",
        action="put right what they complain of: they spend much, and may stop",
        direct="high",
        sentiment="unhappy",
    ),
    Rule(
        play="connect",
        action="invite them to meet other customers: they spend much, and reach few",
        direct="high",
    ),
)
"""The plays; of the rules that fit a customer, the first one counts."""
