"""Commands on tables: simulate, check, features, label."""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ripple.cli.application import app
from ripple.cli.arguments import FORMATS, AsOf, Data, Out, SettingsFile
from ripple.cli.datasets import (
    features_as_of,
    open_checked,
    print_check,
    validate_interactions,
    validate_not_after_end,
    write_table,
    write_with_spark,
)
from ripple.cli.preflight import preflight
from ripple.errors import InputError
from ripple.extras import require
from ripple.settings import load as load_settings

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from ripple import simulation
    from ripple.training.experiments.design import Design

logger = logging.getLogger(__name__)


@app.command(
    epilog="Example: ripple simulate /tmp/world --world default --customers 6000 --months 36 --seed 7"
)
def simulate(
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="Folder to write; an earlier simulation is replaced.")
    ],
    world: Annotated[str, typer.Option(help="Named world.")] = "default",
    customers: Annotated[int, typer.Option(help="Number of customers.")] = 6000,
    months: Annotated[int, typer.Option(help="Months of history.")] = 36,
    seed: Annotated[int, typer.Option(help="Seed: the same one gives the same world.")] = 7,
    design: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Treat the customers of the treatment arm of this design, made on the same world.",
        ),
    ] = None,
    factor: Annotated[
        list[str] | None,
        typer.Option(
            metavar="voice|use|spend=FACTOR",
            help="What treatment multiplies from start to end of the design: contacts with others and their "
            "influence, use, or the amount of orders. Can be given several times.",
        ),
    ] = None,
) -> None:
    """Write a simulated dataset.

    With --design, the same world in which some customers are treated, with a table plays_log; the true effect
    is printed. See docs/experiments.md.
    """
    require("train")
    from ripple import simulation
    from ripple.training.experiments.design import read_design

    factors = _factors(factor or [], design)
    designed = None if design is None else read_design(design)
    preflight(out.parent)
    try:
        simulation.validate_dataset_folder(out)
        logger.info(f"simulating {customers:,} customers over {months} months in world '{world}'")
        history = simulation.simulate_with_truth(world, customers, months, seed)
        tables, truth = simulation.tables(history), ""
        if designed is not None:
            tables, truth = _treated(history, *designed, factors)
        simulation.write(tables, out, simulation.settings_toml(months))
    except (ValueError, FileExistsError) as error:
        raise InputError(str(error)) from error
    for name, table in tables.items():
        print(f"{name:<13}{table.num_rows:>10,} rows")
    if truth:
        print(truth)
    print(f"dataset: {out}")


def _factors(given: list[str], design: Path | None) -> dict[str, float]:
    """The factors of a play by name.

    Raises:
        InputError: one is not of the form ``spend=1.5``, or there are factors and no design or the other way
            round.
    """
    if bool(given) != (design is not None):
        raise InputError(
            "--design and --factor belong together: who is treated, and what that does. For example --design "
            "july --factor spend=1.5."
        )
    factors = {}
    for text in given:
        name, _, amount = text.partition("=")
        try:
            factors[name] = float(amount)
        except ValueError:
            name = ""
        if name not in ("voice", "use", "spend"):
            raise InputError(f"--factor {text}: write voice, use or spend and a factor, such as spend=1.5.")
    return factors


def _treated(
    history: simulation.History,
    plan: Design,
    assignments: pd.DataFrame,
    audience: pd.DataFrame,
    factors: dict[str, float],
) -> tuple[dict[str, pa.Table], str]:
    """The tables of *history* with a play done to the treatment arm of a design, and its true effect."""
    from ripple import simulation
    from ripple.training.experiments.layout import TREATMENT
    from ripple.training.experiments.text import amount

    treated = assignments[assignments["arm"] == TREATMENT]
    plays = {str(name): str(of_one) for name, of_one in treated["play"].items()}
    play = simulation.Play(plan.start, float(plan.days), **factors)
    played = simulation.PotentialOutcomes.draw(history, play).treat_ids(plays)
    added = simulation.true_effects(played, history, plan.start, plan.end, list(audience["customer_id"]))
    own, reached, others = (
        amount("total_revenue", float(added[name]) / len(treated), plan.currency)
        for name in ("own", "audience", "others")
    )
    tables = simulation.tables(played) | {"plays_log": simulation.contacts_table(plays, plan.start)}
    return tables, (
        f"true effect until {plan.end:%Y-%m-%d}, per treated customer: {own} of own revenue, {reached} of "
        f"the audience's, {others} of others'"
    )


@app.command(epilog="Example: ripple check /tmp/world")
def check(data: Data, settings: SettingsFile = None) -> None:
    """Check a dataset against the input contract; exit with 0 if it holds, else 2.

    Warnings, and what can be trained from it, are told and do not change the exit code.
    """
    require("train")
    print_check(*open_checked(data, settings, lists_warnings=True))


def _list(requested: bool) -> None:
    if requested:
        require("train")
        from ripple.features.catalog import text

        print(text(load_settings()))
        raise typer.Exit


Catalogue = Annotated[
    bool,
    typer.Option("--list", is_eager=True, callback=_list, help="List all features, and do nothing else."),
]
Engine = Annotated[
    Literal["duckdb", "spark"],
    typer.Option(help="What computes; Spark reads and writes folders of Parquet, see docs/spark.md."),
]


@app.command(epilog="Example: ripple features /tmp/world --as-of 2025-07-01 --out features.parquet")
def features(
    data: Data,
    as_of: AsOf,
    out: Out,
    settings: SettingsFile = None,
    engine: Engine = "duckdb",
    catalogue: Catalogue = False,
) -> None:
    """Write the features of every customer as of a date: only what was known before it."""
    require("train", *(("spark",) if engine == "spark" else ()))
    if engine == "duckdb":
        preflight(file=out)
    else:
        _validate_spark_folder(out)
    dataset, _ = open_checked(data, settings, engine, keep=engine == "duckdb")
    logger.info(f"features as of {as_of:%Y-%m-%d}")
    if engine == "duckdb":
        write_table(features_as_of(dataset, as_of), out)
    else:
        write_with_spark(dataset, as_of, out)


def _validate_spark_folder(out: Path) -> None:
    """Raise an InputError where Spark cannot write its folder of Parquet files to *out*."""
    if out.suffix != ".parquet":
        raise InputError(f"--out {out}: Spark writes Parquet.")
    if out.is_file():
        raise InputError(f"--out {out} is a file; Spark writes a folder: name another one.")
    preflight(out.parent)


@app.command(epilog="Example: ripple label /tmp/world --from 2025-01-01 --to 2025-06-30 --out label.parquet")
def label(
    data: Data,
    start: Annotated[datetime, typer.Option("--from", formats=FORMATS, metavar="DATE")],
    end: Annotated[datetime, typer.Option("--to", formats=FORMATS, metavar="DATE")],
    out: Out,
    settings: SettingsFile = None,
) -> None:
    """Write the network value of every customer over the window (from, to]."""
    require("train")
    from ripple.training.attribution import network_value
    from ripple.training.examples.examples import frame

    if end <= start:
        raise InputError(f"--to {end:%Y-%m-%d} is not after --from {start:%Y-%m-%d}.")
    preflight(file=out)
    dataset, _ = open_checked(data, settings)
    validate_interactions(dataset)
    validate_not_after_end(end, dataset.settings, "--to")
    logger.info(f"crediting revenue between {start:%Y-%m-%d} and {end:%Y-%m-%d}")
    write_table(frame(network_value(dataset.tables, start, end, dataset.settings)), out)
