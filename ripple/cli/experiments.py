"""Commands on experiments with plays: experiment design, read and validate."""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ripple import atomic
from ripple.cli.application import app
from ripple.cli.arguments import FORMATS, Data, KnownUntil, SettingsFile
from ripple.cli.datasets import (
    fetched_version,
    open_checked,
    validate_interactions,
    validate_not_after_end,
    validate_version,
)
from ripple.cli.preflight import preflight
from ripple.errors import InputError
from ripple.extras import require
from ripple.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

    from ripple.models.bundle import Bundle

logger = logging.getLogger(__name__)

MAX_AGE_DAYS = 31
"""The days between the end of the data that a version was trained on and a design by its plays, at most."""
PAGE = "readout.md"

experiment = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Find out whether plays work: hold some customers out, and compare.",
)
app.add_typer(experiment, name="experiment")

Folder = Annotated[
    Path,
    typer.Option("--design", metavar="FOLDER", exists=True, file_okay=False, help="Folder of the design."),
]


@experiment.command(epilog="Example: ripple experiment design /tmp/world --play rescue,advocate --out july")
def design(
    data: Data,
    play: Annotated[str, typer.Option(metavar="PLAY[,PLAY]", help="Plays whose customers take part.")],
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Folder to write; its name is the experiment's.")
    ],
    holdout: Annotated[float, typer.Option(help="Share of the units that is held out.")] = 0.5,
    days: Annotated[
        int | None,
        typer.Option(min=2, metavar="N", help="Days over which outcomes count; horizon_days if left out."),
    ] = None,
    start: Annotated[
        datetime | None,
        typer.Option(formats=FORMATS, metavar="DATE", help="When treatment begins; --as-of if left out."),
    ] = None,
    as_of: KnownUntil = None,
    cost: Annotated[
        list[str] | None,
        typer.Option(metavar="[PLAY=]AMOUNT", help="Cost per treated customer, of all plays or of one."),
    ] = None,
    units: Annotated[
        Literal["ego", "community", "customer"],
        typer.Option(
            help="Who is treated or held out together: customers with a common audience, communities of "
            "interactions, or each customer alone."
        ),
    ] = "ego",
    most: Annotated[
        int, typer.Option("--most", min=1, metavar="N", help="Customers of a unit of kind ego, at most.")
    ] = 4,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Seed of the draw; that of the settings if left out.")
    ] = None,
    model: Annotated[str, typer.Option(help="champion, challenger, or a version number.")] = "champion",
    settings: SettingsFile = None,
) -> None:
    """Choose who gets a play and who does not, and print what the comparison can show.

    Writes assignments.csv for a CRM, design.json, which fixes what is compared before anybody is treated, and
    summary.md into FOLDER. See docs/experiments.md.
    """
    require("train", "experiments")
    if not 0 < holdout < 1:
        raise InputError(f"--holdout {holdout} is not between 0 and 1, such as 0.5.")
    if out.exists():
        raise InputError(
            f"--out {out} exists already. A design is not overwritten, as customers may be treated by it: "
            "name another folder."
        )
    from ripple.training.kept_experiments import keep_design, validate_name

    preflight(out.parent)
    plays = [name.strip() for name in play.split(",") if name.strip()]
    costs = _costs(cost or [], plays)

    def validate(chosen: Settings) -> None:
        validate_name(chosen.home, out.name)
        unknown = [name for name in plays if name not in {rule.play for rule in chosen.plays.rules}]
        if unknown or not plays:
            known = ", ".join(rule.play for rule in chosen.plays.rules)
            raise InputError(f"--play {play}: there is no play '{', '.join(unknown)}'; there are {known}.")
        validate_version(chosen, model)

    dataset, _ = open_checked(data, settings, keep=True, first=validate)
    validate_interactions(dataset)
    chosen = dataset.settings
    end = chosen.until
    assert end is not None  # the check of a dataset finds it
    as_of = as_of or end
    validate_not_after_end(as_of, chosen, "--as-of")
    start = start or as_of
    if start < as_of:
        raise InputError(
            f"--start {start:%Y-%m-%d} is before what is known ({as_of:%Y-%m-%d}): who is treated must be "
            "drawn before anybody is, or the comparison is by hindsight. Choose a later start, or an "
            "earlier --as-of if treatment began by a draw made then."
        )
    from ripple.training.experiments.design import write_design
    from ripple.training.experiments.designing import Plan, make_design
    from ripple.training.experiments.text import design_page, prospect_sentence

    plan = Plan(
        out.name,
        plays,
        start,
        days or chosen.horizon_days,
        holdout,
        units,
        most,
        costs,
        chosen.seed if seed is None else seed,
    )
    with fetched_version(chosen, model, "bundle", "plays.csv") as (number, folder):
        bundle, listed = _version(folder, number, as_of)
        made, laid = make_design(dataset, as_of, bundle, number, listed, plan)
    write_design(out, made, laid, design_page(made))
    keep_design(chosen.home, out)
    for name, of_play in made.plays.items():
        print(
            f"{name}: {of_play.treated:,} treated, {of_play.held:,} held out, in "
            f"{of_play.treated_units + of_play.held_units:,} units"
        )
    print(
        f"overlap: {made.overlap_arms:.0%} of the audience's ties come from the other arm "
        f"({made.overlap_customers:.0%} from another customer of the experiment)"
    )
    for name, of_play in made.plays.items():
        print(f"power: {prospect_sentence(name, of_play, made)}")
        for outcome, prospect in of_play.prospects.items():
            if prospect.detectable is not None:
                print(f"  {_detectable(outcome, prospect.detectable, prospect.wanted, made.currency)}")
    if made.left_out:
        print(f"left out: {len(made.left_out):,} customers whose unit holds too much of the value")
    if made.resting:
        print(f"left out: {made.resting:,} customers who were contacted lately")
    print(f"design: {out}")


@experiment.command(epilog="Example: ripple experiment read /tmp/world --design july")
def read(
    data: Data,
    folder: Folder,
    as_of: KnownUntil = None,
    settings: SettingsFile = None,
) -> None:
    """Compare treated with held-out customers: what the plays brought, with 95 % intervals.

    Looking before the end is allowed, as often as you like: intervals are wider then. Writes readout.json and
    readout.md into FOLDER; a result that says something takes the place of plays.effect in the next training.
    """
    require("train", "experiments")
    from ripple.training import measured_effects
    from ripple.training.experiments.design import read_design
    from ripple.training.experiments.readout import measured_effects as measured
    from ripple.training.experiments.readout import read_out
    from ripple.training.experiments.text import outcome_name, outcome_sentence, play_sentences, readout_page
    from ripple.training.kept_experiments import READOUT, keep_design, keep_readout, write_readout

    made, assignments, audience = read_design(folder)
    preflight(folder)
    dataset, _ = open_checked(data, settings, keep=True)
    validate_interactions(dataset)
    end = dataset.settings.until
    assert end is not None  # the check of a dataset finds it
    if as_of is not None:
        validate_not_after_end(as_of, dataset.settings, "--as-of")
    found = read_out(dataset, made, assignments, audience, as_of or end)
    keep_design(dataset.settings.home, folder)
    write_readout(folder / READOUT, found)
    keep_readout(dataset.settings.home, found)
    with atomic.file(folder / PAGE) as building:
        building.write_text(readout_page(found), encoding="utf-8")
    for of_play in found.plays:
        print(f"{of_play.play}: {' '.join(play_sentences(of_play, found))}")
        for outcome in of_play.outcomes:
            print(f"  {outcome_name(outcome.outcome)}: {outcome_sentence(outcome, found)}")
    for check in found.checks:
        print(f"{'passed' if check.passed else 'FAILED'}: {check.name}. {check.finding}.")
    effects = measured(found)
    kept = measured_effects.write(dataset.settings.home, made.name, effects)
    if effects:
        names = ", ".join(effect.play for effect in effects)
        print(f"measured: {names}; the next training takes it in place of plays.effect ({kept})")
    else:
        print("measured: nothing yet that could take the place of plays.effect")
    print(f"page: {folder / PAGE}")


@experiment.command(epilog="Example: ripple experiment validate /tmp/world --design july --design october")
def validate(
    data: Data,
    folders: Annotated[
        list[Path],
        typer.Option(
            "--design",
            metavar="FOLDER",
            exists=True,
            file_okay=False,
            help="Folder of a design whose experiment is over; can be given several times.",
        ),
    ],
    settings: SettingsFile = None,
) -> None:
    """Hold credited network value against the effects of your experiments on audiences.

    Prints how much revenue of audiences the plays brought for each unit of network value that is credited for
    it, all plays together, with a 95 % interval. 1 is what Ripple claims.
    """
    require("train", "experiments")
    from ripple.training.experiments import validation
    from ripple.training.experiments.design import read_design

    parts = [read_design(folder) for folder in folders]
    validation.no_name_twice(parts)
    dataset, _ = open_checked(data, settings, keep=True)
    validate_interactions(dataset)
    end = dataset.settings.until
    assert end is not None  # the check of a dataset finds it
    found = validation.validate(dataset, parts, end)
    currency = dataset.settings.currency
    print(f"experiments: {', '.join(found.experiments)}; plays: {', '.join(found.plays)}")
    print(f"audience:    {found.audience:+,.2f} {currency} of revenue per treated customer")
    print(f"credited:    {found.credited:+,.2f} {currency} of network value per treated customer")
    print(f"slope:       {found.text}")


def _costs(given: list[str], plays: list[str]) -> dict[str, float]:
    """By play, the cost per treated customer; what is given for one play outranks what is for all."""
    of_all: dict[str, float] = {}
    of_one: dict[str, float] = {}
    for text in given:
        name, _, amount = text.rpartition("=")
        try:
            value = float(amount)
        except ValueError:
            value = -1.0
        if not 0 <= value < float("inf") or (name and name not in plays):
            raise InputError(
                f"--cost {text}: write an amount such as 25, or {plays[0] if plays else 'rescue'}=25 for one "
                "play."
            )
        if name:
            of_one[name] = value
        else:
            of_all = dict.fromkeys(plays, value)
    return of_all | of_one


def _version(folder: Path, number: str, as_of: datetime) -> tuple[Bundle, pd.DataFrame]:
    """The model in *folder* and the plays it listed, which must be about as old as a design."""
    import pandas as pd

    from ripple.models.bundle import Bundle

    bundle = Bundle.load(folder / "bundle")
    trained = datetime.fromisoformat(bundle.spec.trained_until)
    if not 0 <= (as_of - trained).days <= MAX_AGE_DAYS or trained > as_of:
        raise InputError(
            f"Version {number} lists plays by what was known on {trained:%Y-%m-%d}, and the design is made "
            f"as of {as_of:%Y-%m-%d}: train a version on the data of then by `ripple train DATA --until "
            f"{as_of:%Y-%m-%d}`, or name one by --model."
        )
    listed = pd.read_csv(folder / "plays.csv", dtype={"customer_id": str}, keep_default_na=False)
    return bundle, listed.set_index("customer_id")[["play", "network_value", "direct_value"]].astype(
        {"network_value": float, "direct_value": float}
    )


def _detectable(outcome: str, detectable: float, wanted: float, currency: str) -> str:
    from ripple.training.experiments.text import amount, outcome_name

    return (
        f"{outcome_name(outcome)}: {amount(outcome, detectable, currency)} per treated customer is found 4 "
        f"times in 5; the play is taken to bring {amount(outcome, wanted, currency)}"
    )
