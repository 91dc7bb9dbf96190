"""Two versions on one page: which foresees better, who moved and why, and what they were made from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ripple.settings import Settings
from ripple.training.evaluation.membership_changes import Scored
from ripple.training.insights.shap_sample import sample
from ripple.training.registry.version_pair import Versions
from ripple.training.report.page import Part, template
from ripple.training.report.plots import figures, reason_plots
from ripple.training.report.sections.why import membership_changes
from ripple.training.report.sections.why.explanation import by_family, shares
from ripple.training.report.text import words
from ripple.training.report.text.comparison_text import verdict
from ripple.training.report.text.glossary import glossary
from ripple.training.report.text.words import Cell

PARTS = (
    Part("better", "Better?", "Which foresees better"),
    Part("who", "Who", "Who entered and who left the top"),
    Part("reasons", "Reasons", "What each leans on"),
    Part("made", "Made from", "What they were made from"),
)
METRICS = {
    "capture": "Capture",
    "best_baseline_capture": "Capture of the best simple rule",
    "lead": "Lead over it",
    "coverage": "Coverage of the interval",
    "predicted_share": "Predicted ÷ came true",
    "brier": "Brier score",
    "customers": "Customers",
    "top_customers": "Customers at the top",
    "top_value_share": "Share of expected value at the top",
    "influence_share": "Revenue credited to influence",
    "referral_share": "Revenue credited to referrals",
    "coincidence": "Of influence, coincidence at most",
}
"""Metric of a run → how the page names it."""


def render_versions(found: Versions) -> str:
    """The page about two versions as HTML that needs nothing else; the same versions give the same bytes."""
    later, earlier = (f"ripple {one.number}" for one in (found.later, found.earlier))
    spec = found.later.bundle.spec
    terms = glossary(Settings(horizon_days=spec.horizon_days, top_share=spec.top_share))
    return template("versions.html.j2", terms).render(
        name=f"{later} and {earlier}",
        later=later,
        earlier=earlier,
        as_of=found.later.as_of,
        top=words.share_name(spec.top_share),
        better=_better(found, later, earlier),
        moves=membership_changes.told(found.changes, spec),
        reasons=_reasons(found, later, earlier),
        made=_made(found),
        parts=PARTS,
    )


def _better(found: Versions, later: str, earlier: str) -> dict[str, Any]:
    known = found.comparison
    if known is None:
        return {"finding": found.why_not, "rows": [], "plot": ""}
    table = pd.DataFrame(known.cutoffs).set_index("cutoff")
    drawn = pd.DataFrame([table["capture"], table["rival"]], index=[later, earlier])
    drawn["mean"] = [known.capture, known.rival]
    return {
        "finding": verdict(known, later, earlier),
        "rows": [
            (day, [_share(own), _share(rival), Cell(words.signed_points(own - rival), own - rival)])
            for day, own, rival in [
                *((row["cutoff"], row["capture"], row["rival"]) for row in known.cutoffs),
                ("mean", known.capture, known.rival),
            ]
        ],
        "plot": figures.capture(drawn, np.full((2, 2), np.nan), later),
    }


def _share(share: float) -> Cell:
    return words.cell(share, words.percent(share, 1), "nobody had any network value")


def _reasons(found: Versions, later: str, earlier: str) -> dict[str, Any]:
    both = pd.DataFrame({later: _families(found.later), earlier: _families(found.earlier)}).fillna(0.0)
    both = both.sort_values(later, ascending=False, kind="stable")
    apart = (both[later] - both[earlier]).abs()
    most = str(apart.idxmax())
    return {
        "finding": (
            f"The two differ most on the family “{most}”, which carries {words.percent(both[later][most])} "
            f"of what moves the score in {later} and {words.percent(both[earlier][most])} in {earlier}"
        ),
        "plot": reason_plots.pairs(
            [str(name) for name in both.index],
            both[later].to_numpy(),
            both[earlier].to_numpy(),
            (later, earlier),
        ),
        "rows": [(str(name), [_share(row[later]), _share(row[earlier])]) for name, row in both.iterrows()],
    }


def _families(one: Scored) -> pd.Series:
    x = one.bundle.matrix(sample(one.features, Settings().seed))
    return by_family(one.bundle, shares(one.bundle.contributions("value", x)[0]))


def _made(found: Versions) -> dict[str, Any]:
    differ, metrics = found.parameters, found.metrics
    kept = [name for name in METRICS if name in metrics.index]
    data = sum(str(name).startswith("data.") for name in differ.index)
    return {
        "finding": (
            f"Their runs differ in {words.plural(len(differ), 'parameter')}"
            + (f", {data} of which tell of the data" if data else "")
            if len(differ)
            else "Their runs have the same settings, data and code: 0 parameters differ"
        ),
        "metrics": [
            (METRICS[name], [Cell(f"{value:,.4g}", value) for value in values])
            for name, values in zip(kept, metrics.loc[kept].to_numpy().tolist(), strict=True)
        ],
        "parameters": list(zip(differ.index, differ.to_numpy().tolist(), strict=True)),
    }
