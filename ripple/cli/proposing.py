"""The command that proposes how tables map to the contract: init."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from ripple import atomic
from ripple.cli.application import app
from ripple.cli.arguments import Data
from ripple.cli.datasets import open_checked, print_check
from ripple.cli.preflight import preflight
from ripple.errors import InputError
from ripple.extras import require

logger = logging.getLogger(__name__)

SettingsOut = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="FILE.toml",
        dir_okay=False,
        help="File to write; otherwise ripple.toml beside the data, or here for a database.",
    ),
]


@app.command(epilog="Example: ripple init path/to/exports")
def init(
    data: Data,
    out: SettingsOut = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Propose a ripple.toml that maps tables of any names to the contract, and check the dataset with it."""
    require("train")
    from ripple.features.profiling.propose import propose
    from ripple.features.profiling.writing.toml_text import write
    from ripple.features.tables.sources import find

    source = find(data)
    out = out or (source.folder or Path()) / "ripple.toml"
    if out.exists() and not force:
        raise InputError(
            f"{out} is there already: give --force to replace it, or name another one with --out."
        )
    preflight(file=out)
    logger.info(f"looking at {source}")
    with source.open() as place:
        proposal = propose(place)
        text = write(proposal, str(source), place.dialect)
    for name in proposal.unchanged:
        print(f"{name:<13} as it is")
    for part in proposal.parts:
        print(f"{part.contract:<13} from {part.table.name} ({part.surety})")
    for question in proposal.questions:
        print(f"?             {question}")
    if proposal.is_needed:
        with atomic.file(out) as building:
            building.write_text(text, encoding="utf-8")
        print(f"proposal: {out}")
    else:
        print("All tables have the contract's names: no ripple.toml is needed.")
    print_check(*open_checked(data, out if out.exists() else None, lists_warnings=True))
