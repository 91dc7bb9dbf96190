"""The page about two versions: which predicts better, who moved and why, and how the runs differ."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ripple.settings import Settings
from ripple.training.evaluation.membership_changes import ScoredVersion
from ripple.training.insights.shap_sample import sample
from ripple.training.registry.version_pair import Versions
from ripple.training.report.page import Part, template
from ripple.training.report.plots import figures, reason_plots
from ripple.training.report.sections.why.explanation import by_family, shares
from ripple.training.report.sections.why.membership_changes import membership_changes
from ripple.training.report.text import words
from ripple.training.report.text.comparison_text import verdict
from ripple.training.report.text.glossary import glossary
from ripple.training.report.text.words import Cell

PARTS = (
    Part("better", "Better?", "Which predicts better"),
    Part("who", "Who", "Who entered and left the top"),
    Part("reasons", "Reasons", "Which features each uses"),
    Part("made", "Made from", "Data, settings and metrics"),
)
METRICS = {
    "capture": "Capture",
    "best_baseline_capture": "Capture of the best simple rule",
    "lead": "Lead over it",
    "coverage": "Coverage of the interval",
    "predicted_share": "Predicted ÷ realised",
    "brier": "Brier score",
    "customers": "Customers",
    "top_customers": "Customers in the top",
    "top_value_share": "Share of expected value in the top",
    "influence_share": "Share of revenue credited to influence",
    "referral_share": "Share of revenue credited to referrals",
    "chance_share": "Share of credited value that may be chance",
    # of versions older than chance_share
    "coincidence": "Share of influence that may be chance",
}
"""The name of each metric of a run on the page."""


def render_versions(versions: Versions) -> str:
    """The page about two versions as self-contained HTML; the same versions give the same bytes."""
    later, earlier = (f"ripple {version.number}" for version in (versions.later, versions.earlier))
    spec = versions.later.bundle.spec
    terms = glossary(Settings(horizon_days=spec.horizon_days, top_share=spec.top_share))
    return template("versions.html.j2", terms).render(
        name=f"{later} and {earlier}",
        later=later,
        earlier=earlier,
        as_of=versions.later.as_of,
        top=words.exact_percent(spec.top_share),
        comparison=_comparison(versions, later, earlier),
        membership_changes=membership_changes(versions.changes, spec),
        display_names={},
        importance=_importance(versions, later, earlier),
        differences=_differences(versions),
        parts=PARTS,
    )


def _comparison(versions: Versions, later: str, earlier: str) -> dict[str, Any]:
    comparison = versions.comparison
    if comparison is None:
        return {"finding": versions.why_not, "rows": [], "plot": ""}
    table = pd.DataFrame(comparison.cutoffs).set_index("cutoff")
    captures = pd.DataFrame([table["capture"], table["rival"]], index=[later, earlier])
    captures["mean"] = [comparison.capture, comparison.rival]
    return {
        "finding": verdict(comparison, later, earlier),
        "rows": [
            (day, [_share(first), _share(second), Cell(words.signed_points(first - second), first - second)])
            for day, first, second in [
                *((row["cutoff"], row["capture"], row["rival"]) for row in comparison.cutoffs),
                ("mean", comparison.capture, comparison.rival),
            ]
        ],
        "plot": figures.capture(captures, np.full((2, 2), np.nan), later),
    }


def _share(share: float) -> Cell:
    return words.cell(share, words.percent(share, 1), "nobody had any network value")


def _importance(versions: Versions, later: str, earlier: str) -> dict[str, Any]:
    both = pd.DataFrame(
        {later: _family_shares(versions.later), earlier: _family_shares(versions.earlier)}
    ).fillna(0.0)
    both = both.sort_values(later, ascending=False, kind="stable")
    difference = (both[later] - both[earlier]).abs()
    family = str(difference.idxmax())
    return {
        "finding": (
            f"{words.percent(both[later][family])} of the movement of the score in {later} comes from the "
            f"family “{family}”, {words.percent(both[earlier][family])} in {earlier}: the largest difference "
            "between the two"
        ),
        "plot": reason_plots.pairs(
            [str(name) for name in both.index],
            both[later].to_numpy(),
            both[earlier].to_numpy(),
            (later, earlier),
        ),
        "rows": [(str(name), [_share(row[later]), _share(row[earlier])]) for name, row in both.iterrows()],
    }


def _family_shares(version: ScoredVersion) -> pd.Series:
    x = version.bundle.matrix(sample(version.features, Settings().seed))
    return by_family(version.bundle, shares(version.bundle.contributions("value", x)[0]))


def _differences(versions: Versions) -> dict[str, Any]:
    parameters, metrics = versions.parameters, versions.metrics
    names = [name for name in METRICS if name in metrics.index]
    data = sum(str(name).startswith("data.") for name in parameters.index)
    return {
        "finding": (
            f"{words.plural(len(parameters), 'parameter')} of the runs differ"
            + (f", {data} of them about the data" if data else "")
            if len(parameters)
            else "0 parameters of the runs differ: same settings, data and code"
        ),
        "metrics": [
            (METRICS[name], [Cell(f"{value:,.4g}", value) for value in values])
            for name, values in zip(names, metrics.loc[names].to_numpy().tolist(), strict=True)
        ],
        "parameters": list(zip(parameters.index, parameters.to_numpy().tolist(), strict=True)),
    }
