"""The negative controls of a training: the two-hop test, and the outcomes that the user names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ripple.features.tables.tables import Tables
from ripple.settings import Settings
from ripple.training.attribution.controls.outcomes import ControlOutcome, control_outcomes
from ripple.training.attribution.controls.two_hop import TwoHop, two_hop
from ripple.training.attribution.robustness import AttributionWindow

BEYOND_DOUBT = 1.645
"""The number of standard errors by which a share has to be above the limit: one-sided, 95 %."""
TWO_HOP = "two-hop"
"""The name of the two-hop test among the controls."""


@dataclass(frozen=True)
class ControlFinding:
    """A control as one share of adoptions that should be near zero.

    Attributes:
        name: `TWO_HOP`, or the outcome.
        share: credited ÷ adoptions; nan where these are too few to say.
        error: its standard error.
        text: both in a sentence.
    """

    name: str
    share: float
    error: float
    text: str

    def exceeds(self, limit: float) -> bool:
        """Whether more than *limit* is credited, beyond the error."""
        return self.share - BEYOND_DOUBT * self.error > limit


@dataclass(frozen=True)
class NegativeControls:
    """The controls in one window.

    Attributes:
        two_hop: None where there are too few adoptions.
        outcomes: those that the settings name.
    """

    start: datetime
    end: datetime
    two_hop: TwoHop | None
    outcomes: tuple[ControlOutcome, ...]

    def findings(self) -> Iterator[ControlFinding]:
        """Each control as a share."""
        if self.two_hop is not None:
            share, error = self.two_hop.skipping, self.two_hop.error
            yield ControlFinding(
                TWO_HOP,
                share,
                error,
                f"{share:.1%}{_margin(error)} of {self.two_hop.adoptions:,} adoptions are credited along "
                "paths of two contacts whose middle customer had not bought; it should be 0%.",
            )
        for outcome in self.outcomes:
            share, error = outcome.credited, outcome.error
            text = (
                f"{share:.1%}{_margin(error)} of {outcome.adoptions:,} first times of '{outcome.name}', "
                "which nobody can influence, are credited to somebody; it should be 0%."
                if share == share
                else f"'{outcome.name}' came {outcome.adoptions:,} times, which is too few to say anything."
            )
            yield ControlFinding(outcome.name, share, error, text)

    def metrics(self) -> dict[str, float]:
        """The numbers for MLflow; of the outcomes, the largest share."""
        shares = [outcome.credited for outcome in self.outcomes if outcome.credited == outcome.credited]
        metrics = {"control_outcomes_share": max(shares)} if shares else {}
        if self.two_hop is not None:
            metrics |= {"control_two_hop_share": self.two_hop.skipping}
            metrics |= {"control_two_hop_error": self.two_hop.error} if self.two_hop.error >= 0 else {}
        return metrics

    def record(self) -> dict[str, Any]:
        """The controls as plain data."""
        return {
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "two_hop": self.two_hop.record() if self.two_hop else None,
            "outcomes": [outcome.record() for outcome in self.outcomes],
        }


def _margin(error: float) -> str:
    """Two standard errors in brackets; nothing where the error is not known."""
    return f" (± {2 * error:.1%})" if error == error else ""


def negative_controls(
    tables: Tables, start: datetime, end: datetime, settings: Settings
) -> NegativeControls | None:
    """The controls of the label of (start, end]; None without interactions.

    Raises:
        InputError: the settings name an outcome that is no product and no feature.
    """
    if "interactions" not in tables:
        return None
    window = AttributionWindow(tables, start, end, settings)
    tested = two_hop(window.contacts, window.history, window.stratum(settings), settings)
    return NegativeControls(start, end, tested, tuple(control_outcomes(tables, start, end, settings)))
