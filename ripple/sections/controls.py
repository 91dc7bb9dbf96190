"""The section of the settings on negative controls of the label."""

from __future__ import annotations

from pydantic import Field

from ripple.sections.section import Section


class Controls(Section):
    """Negative controls: what nobody can influence, so that nothing of it should be credited."""

    outcomes: tuple[str, ...] = Field(
        (),
        max_length=10,
        description="products of orders or features of usage that nobody can influence, such as a price rise",
    )
    credited_share: float = Field(
        0.05,
        ge=0,
        le=1,
        description="share of a control's adoptions that is credited, at most; more is a warning of the gate",
    )
