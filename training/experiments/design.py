"""The pre-registration of an experiment: who, which outcomes and what analysis, before the start."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ripple import atomic
from ripple.digests import digest
from ripple.errors import InputError
from ripple.training.experiments.assignment import draw
from ripple.training.experiments.layout import TREATMENT, Layout, Units

DESIGN, ASSIGNMENTS, AUDIENCE = "design.json", "assignments.csv", "audience.csv"
"""The names of the files in the folder of a design."""
ANALYSIS = (
    "Intention to treat: customers count in the arm they were assigned to, whatever was done. Outcomes are "
    "summed by unit and regressed on arm, strata and covariates with interactions (Lin 2013; Su & Ding "
    "2021), errors are HC2; a randomisation test with the same strata is made beside it, and the wider "
    "interval and larger p value count. Covariates are the same outcome in as many days before the start, "
    "and the model's prediction. Plays are corrected by Holm, for each outcome. Looks before the end use a "
    "fifth of the 5 % (O'Brien-Fleming-type spending, Lan & DeMets 1983), the look at the end the rest."
)
"""What the read-out computes."""


class Record(BaseModel):
    """Part of a pre-registration."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Prospect(Record):
    """What an experiment can show of one outcome of one play, per treated customer.

    Attributes:
        wanted: the effect that would make the play worth while to know of: what `plays.effect` assumes.
        detectable: the minimum detectable effect; None where A/A tests were not possible.
        error: the standard error.
        false_positives: the share of A/A tests whose interval excludes zero.
        customers: customers of both arms that are needed to find what is wanted; None where unknown.
        days: days that are needed for it; None where more days show no more.
    """

    wanted: float
    detectable: float | None = None
    error: float | None = None
    false_positives: float | None = None
    customers: int | None = None
    days: int | None = None

    @property
    def suffices(self) -> bool:
        """Whether an effect as large as wanted is likely to be found."""
        return self.detectable is not None and self.detectable <= self.wanted


class PlayPlan(Record):
    """One play of an experiment: its customers, what they are worth, and what can be shown of it.

    Attributes:
        treated, held, treated_units, held_units: customers and units by arm.
        value: expected own spend and network value of a customer over the days of the experiment, in
            currency.
        cost: cost per treated customer, if given.
        prospects: by outcome.
    """

    treated: int
    held: int
    treated_units: int
    held_units: int
    value: float
    cost: Annotated[float, Field(ge=0)] | None = None
    prospects: dict[str, Prospect] = {}


class Design(Record):
    """The pre-registration of an experiment.

    Attributes:
        name: the name of the experiment.
        as_of: the end of what was known.
        start, end: outcomes count in (start, end].
        currency: the unit of money.
        plays: by name.
        holdout: the share of units that is held out.
        units, most_per_unit, seed: how customers were put into units and arms; see `layout`.
        model: the version whose scores were used.
        data: digest of each table.
        margin_share: margin ÷ revenue; None where it is not known.
        outcomes: by name, what is compared.
        analysis: how.
        overlap_customers, overlap_units, overlap_arms: see `Layout`.
        left_out: customers of units that held too much of the value.
        resting: the number of customers left out as they were contacted lately.
        windows: the starts of the past windows of the A/A tests.
        digests: of the other files of the design.
    """

    name: str
    as_of: datetime
    start: datetime
    end: datetime
    currency: str
    plays: dict[str, PlayPlan]
    holdout: float
    units: Units
    most_per_unit: int
    seed: int
    model: str
    data: dict[str, str]
    margin_share: float | None
    outcomes: dict[str, str]
    analysis: str = ANALYSIS
    overlap_customers: float
    overlap_units: float
    overlap_arms: float
    left_out: tuple[str, ...] = ()
    resting: int = 0
    windows: tuple[datetime, ...] = ()
    digests: dict[str, str] = {}

    @property
    def days(self) -> int:
        """The days over which outcomes are compared."""
        return (self.end - self.start) // timedelta(days=1)


def write_design(folder: Path, design: Design, layout: Layout, summary: str) -> Design:
    """Write a design into *folder*, which appears whole; returns it with the digests of its files."""
    with atomic.folder(folder) as building:
        layout.assignments.to_csv(building / ASSIGNMENTS)
        layout.audience.to_csv(building / AUDIENCE, index=False)
        digests = {name: _digest(building / name) for name in (ASSIGNMENTS, AUDIENCE)}
        registered = design.model_copy(update={"digests": digests})
        signed = registered.model_copy(update={"digests": digests | {DESIGN: _own_digest(registered)}})
        (building / DESIGN).write_text(signed.model_dump_json(indent=2) + "\n", encoding="utf-8")
        (building / "summary.md").write_text(summary, encoding="utf-8")
    return signed


def read_design(folder: Path) -> tuple[Design, pd.DataFrame, pd.DataFrame]:
    """The design in *folder*, its assignments by customer_id, and the audience; see `Layout`.

    Raises:
        InputError: a file is missing, or is not as it was written.
    """
    for name in (DESIGN, ASSIGNMENTS, AUDIENCE):
        if not (folder / name).is_file():
            raise InputError(
                f"--design {folder} has no {name}: name a folder that `ripple experiment design` wrote."
            )
    try:
        design = Design.model_validate_json((folder / DESIGN).read_text(encoding="utf-8"))
    except ValidationError as error:
        raise InputError(
            f"{folder / DESIGN} is not what `ripple experiment design` writes: {first_problem(error)}. "
            "Restore it."
        ) from error
    unsigned = {name: value for name, value in design.digests.items() if name != DESIGN}
    if design.digests.get(DESIGN) != _own_digest(design.model_copy(update={"digests": unsigned})):
        raise InputError(
            f"{folder / DESIGN} was changed after the design: what is compared, when and how was fixed "
            "before the start, so that nobody can choose it by the result. Restore the file, for example "
            "from a backup."
        )
    assignments = pd.read_csv(folder / ASSIGNMENTS, dtype={"customer_id": str}, keep_default_na=False)
    if _digest(folder / ASSIGNMENTS) != design.digests[ASSIGNMENTS]:
        raise InputError(_changed(folder / ASSIGNMENTS, assignments, design))
    if _digest(folder / AUDIENCE) != design.digests[AUDIENCE]:
        raise InputError(f"{folder / AUDIENCE} was changed after the design. Restore the file.")
    members = pd.read_csv(folder / AUDIENCE, dtype={"customer_id": str, "owner": str}, keep_default_na=False)
    return design, assignments.set_index("customer_id"), members


def _changed(path: Path, assignments: pd.DataFrame, design: Design) -> str:
    """What is wrong with assignments that are not as they were written."""
    planned = sum(plan.treated + plan.held for plan in design.plays.values())
    found = ""
    if len(assignments) != planned:
        found = f"it has {len(assignments):,} customers, and {planned:,} were designed"
    elif {"unit", "stratum", "arm"} <= set(assignments):
        by_unit = assignments.drop_duplicates("unit").sort_values("unit")
        treated = draw(by_unit["stratum"].to_numpy(), design.holdout, design.seed)
        drawn = pd.Series(treated, by_unit["unit"].to_numpy())
        differs = (
            drawn.reindex(assignments["unit"]).to_numpy() != (assignments["arm"] == TREATMENT).to_numpy()
        )
        moved = assignments["customer_id"][differs].tolist()
        if moved:
            found = (
                f"{len(moved):,} customers are not in the arm that was drawn, such as {', '.join(moved[:3])}"
            )
    return (
        f"{path} was changed after the design{': ' + found if found else ''}. Arms that are changed after "
        "the start make the comparison worthless. Restore the file; who was treated against the plan "
        "belongs into the table plays_log, and counts in the arm that was drawn."
    )


def first_problem(error: ValidationError) -> str:
    """Where the first problem of a file is, and what it is."""
    problem = error.errors()[0]
    return f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"


def _digest(path: Path) -> str:
    return digest(path.read_bytes())


def _own_digest(design: Design) -> str:
    return digest(design.model_dump_json())
