"""Two registered versions side by side: how well each predicts, and what it was made from."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ripple.errors import InputError
from ripple.training.evaluation.comparison import Comparison
from ripple.training.evaluation.membership_changes import MembershipChanges, ScoredVersion, membership_changes
from ripple.training.registry import model_versions
from ripple.training.registry.model_versions import Version, VersionGoneError
from ripple.training.registry.tracking import Store

WHICH, NOT_SET = ("later", "earlier"), "not set"


@dataclass(frozen=True)
class Versions:
    """A later version and an earlier one.

    Attributes:
        comparison: None where they were not evaluated on the same target; `why_not` then says what differs.
        changes: customers who entered or left the top.
        parameters: parameters of the runs that differ, by name: columns `later` and `earlier`.
        metrics: metrics that both runs have, likewise.
    """

    later: ScoredVersion
    earlier: ScoredVersion
    comparison: Comparison | None
    why_not: str
    changes: MembershipChanges
    parameters: pd.DataFrame
    metrics: pd.DataFrame


def versions(client: Store, one: Version, other: Version) -> Versions:
    """Bring together what MLflow holds of two versions, in whatever order they are named.

    Raises:
        InputError: the two are one, or one of them is gone.
    """
    comparison, why_not = None, ""
    try:
        comparison, _, _ = model_versions.compared(client, one, other)
    except InputError as error:
        if one == other or isinstance(error, VersionGoneError):
            raise
        why_not = str(error)
    both = sorted((one, other), key=lambda version: -int(version.number))
    later, earlier = (model_versions.scored(client, version) for version in both)
    runs = [model_versions.run_of(client, version).data for version in both]
    parameters = pd.DataFrame(dict(zip(WHICH, (run.params for run in runs), strict=True)))
    parameters = parameters.fillna(NOT_SET).sort_index()
    metrics = pd.DataFrame(dict(zip(WHICH, (run.metrics for run in runs), strict=True)))
    return Versions(
        later,
        earlier,
        comparison,
        why_not,
        membership_changes(later, earlier),
        parameters[parameters["later"] != parameters["earlier"]],
        metrics.dropna(),
    )
