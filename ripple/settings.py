"""One frozen settings object: defaults here, then ripple.toml, then RIPPLE_* variables, then flags."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from ripple.environment import own_variables
from ripple.errors import InputError
from ripple.sections.controls import Controls
from ripple.sections.report import Plays, Report
from ripple.sections.section import MAX_DAYS, Section
from ripple.sections.tables import Checks, Ids, Mappings
from ripple.suggestions import nearest

SERVICE = "RIPPLE_SERVE_"
"""The prefix of the variables that are options of the service."""

Power = Literal["referent", "informational", "expert"]

KINDS: dict[str, Power] = {
    "referral": "referent",
    "follow": "referent",
    "mention": "referent",
    "endorsement": "referent",
    "invite": "referent",
    "share": "informational",
    "post": "informational",
    "review": "informational",
    "content": "informational",
    "answer": "expert",
    "template": "expert",
    "integration": "expert",
    "mentoring": "expert",
}


def _as_datetime(value: object) -> object:
    # pydantic would take 20240517 for seconds since 1970
    if isinstance(value, int | float) or (isinstance(value, str) and value.isdigit()):
        raise ValueError("write a time as 2024-05-17 or 2024-05-17T09:30:00")
    return datetime.combine(value, time()) if type(value) is date else value


def _as_utc(value: datetime) -> datetime:
    """Drop the zone after moving to UTC: every time in Ripple is UTC."""
    return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value


Instant = Annotated[datetime, BeforeValidator(_as_datetime), AfterValidator(_as_utc)]
"""A moment in UTC; a plain date is the midnight at which that day begins."""


def _distinct(days: tuple[int, ...]) -> tuple[int, ...]:
    if len(set(days)) < len(days):
        raise ValueError("a window is there twice")
    return days


def _folder(value: object) -> object:
    if value == "":
        raise ValueError("name a folder, or leave it out")
    return Path(value).expanduser() if isinstance(value, str) else value


NAME = r"^[^/:'\"@\s]([^/:'\"@\n]*[^/:'\"@\s])?$"
"""What MLflow can find again by name, in a filter or as models:/NAME@champion."""


class Cutoffs(Section):
    """The cutoffs at which features and labels are computed, and the history before them."""

    step_days: int = Field(60, ge=1, le=MAX_DAYS, description="days between two cutoffs")
    history_days: int = Field(180, ge=1, le=MAX_DAYS, description="days of data before the first cutoff")
    evaluate: int | tuple[Instant, ...] = Field(
        4, description="evaluation cutoffs: the newest N closed ones, or these dates"
    )


class Credit(Section):
    """How revenue is credited to those who brought it about."""

    window_days: float = Field(
        112, gt=0, le=MAX_DAYS, description="an exposure to an older adoption has no effect"
    )
    half_life_days: float = Field(
        180, gt=0, le=MAX_DAYS, description="half-life of the weight of an interaction"
    )
    referral_days: float = Field(
        365, gt=0, le=MAX_DAYS, description="days after joining whose revenue is credited to the referrer"
    )
    baseline: Literal["product", "strata", "model", "joined"] = Field(
        "joined",
        description="baseline hazard: by product, by stratum, by case-control model, or by both (joined)",
    )
    lookback_days: float = Field(
        180,
        ge=0,
        le=MAX_DAYS,
        description="the influence model is fitted on the window and this long before it",
    )
    bandwidth_days: float = Field(
        14, gt=0, le=MAX_DAYS, description="bandwidth of the kernel that smooths the adoption rate over days"
    )
    controls: int = Field(5, ge=2, le=1_000, description="controls at risk per adopter, at most")
    expansion: bool = Field(
        True, description="subtract adoptions that would have come later in the window (acceleration)"
    )

    @property
    def by_stratum(self) -> bool:
        """Whether the baseline compares customers inside their stratum."""
        return self.baseline in ("strata", "joined")

    @property
    def by_model(self) -> bool:
        """Whether the baseline has a model of who adopts."""
        return self.baseline in ("model", "joined")


class Features(Section):
    """Windows of the feature pipeline, and the attributes of customers that are features."""

    windows_days: Annotated[
        tuple[Annotated[int, Field(ge=1, le=MAX_DAYS)], ...], AfterValidator(_distinct)
    ] = Field((30, 90), min_length=1, description="look-back windows")
    half_life_days: float = Field(90, gt=0, le=MAX_DAYS, description="half-life of the weight of a tie")
    attributes: tuple[str, ...] | None = Field(
        None,
        description="attributes of customers that are features; all of the table attributes where absent",
    )


class Model(Section):
    """Parameters of the trees: those of the top head, and those that teach the value head's student trees."""

    trees: int = Field(300, ge=1, le=100_000, description="trees of each head (num_iterations)")
    leaves: int = Field(
        5,
        ge=2,
        le=131_072,
        description="leaves of a tree, at most (num_leaves); student trees have their own",
    )
    depth: int = Field(3, ge=1, le=1_000, description="depth of a tree, at most (max_depth); likewise")
    learning_rate: float = Field(0.02, gt=0, description="shrinkage of each tree (learning_rate); likewise")
    extra_trees: bool = Field(
        False, description="draw split thresholds at random: less variance with little data"
    )
    min_rows_per_leaf: int = Field(
        150, ge=1, description="rows of a leaf, at least (min_data_in_leaf); a fiftieth of all rows if less"
    )
    tweedie_power: float = Field(
        1.0, ge=1, lt=2, description="variance power of the Tweedie loss; 1 is Poisson"
    )
    half_life_horizons: float = Field(
        0.5, gt=0, description="half-life of the weight of a training cutoff, in horizons"
    )
    winsorise: float = Field(
        1.0,
        gt=0.5,
        le=1,
        description="quantile of the positive labels of a cutoff at which labels are capped",
    )
    interval: float = Field(0.8, gt=0, lt=1, description="nominal coverage of the interval")


class Lifetime(Section):
    """How far ahead lifetime value reaches, and what later spend is worth today."""

    horizon_days: int = Field(1095, ge=1, description="days ahead over which lifetime value is forecast")
    discount_rate: float = Field(
        0.1, ge=0, description="yearly rate at which the spend of lifetime value is discounted"
    )


class Gate(Section):
    """What a version has to show before it becomes champion by itself."""

    capture_loss: float = Field(
        0.05,
        ge=0,
        le=1,
        description="loss of capture against the champion, at most, where it is not significant",
    )
    level_factor: float = Field(
        2.0, gt=1, description="ratio of predicted and realised total of the backtest, at most"
    )
    coverage_loss: float = Field(
        0.1, ge=0, le=1, description="shortfall of the interval's coverage from model.interval, at most"
    )
    doubtful_share: float = Field(
        0.5, ge=0, le=1, description="share of the attributed value that may be due to chance, at most"
    )
    set_aside_share: float = Field(0.05, ge=0, le=1, description="share of a table's rows set aside, at most")
    single_share: float = Field(
        0.5, gt=0, le=1, description="share of a cutoff's realised value that one customer holds, at most"
    )


class Settings(BaseSettings):
    """Everything that can be chosen about a dataset and a run.

    A variable of a section is spelt with two underscores: ``RIPPLE_CUTOFFS__STEP_DAYS=30``.
    """

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix="RIPPLE_", env_nested_delimiter="__"
    )

    home: Annotated[Path, BeforeValidator(_folder)] = Field(
        Path(".ripple"), exclude=True, description="where runs, models and reports are kept"
    )
    experiment: str = Field(
        "ripple", pattern=NAME, exclude=True, description="name of the experiment in MLflow"
    )
    registered_model: str = Field(
        "ripple",
        pattern=NAME,
        exclude=True,
        description="name of the registered model in MLflow; in Unity Catalog, catalog.schema.model",
    )
    currency: str = Field("USD", min_length=1, description="unit of revenue and margin")
    until: Instant | None = Field(None, description="end of the data; inferred from the events where absent")
    horizon_days: int = Field(180, ge=1, le=MAX_DAYS, description="days ahead over which value is predicted")
    top_share: float = Field(0.01, gt=0, lt=0.5, description="share of customers that counts as the top")
    simulated: bool = Field(False, description="whether the data are made up, which the report then says")
    seed: int = Field(7, ge=0, le=2**31 - 1, description="seed of all random draws")
    kinds: dict[str, Power] = Field(
        {}, description="power of each kind of interaction, added to the defaults"
    )
    tables: dict[str, Mappings] = Field({}, description="table of the contract ← tables of yours")
    ids: Ids = Ids()
    cutoffs: Cutoffs = Cutoffs()
    credit: Credit = Credit()
    features: Features = Features()
    model: Model = Model()
    lifetime: Lifetime = Lifetime()
    checks: Checks = Checks()
    gate: Gate = Gate()
    controls: Controls = Controls()
    plays: Plays = Plays()
    report: Report = Report()

    @property
    def powers(self) -> dict[str, Power]:
        """Kind of interaction → the power it shows, the defaults included."""
        return KINDS | {kind.strip().lower(): power for kind, power in self.kinds.items()}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """A variable is set for one run and so outranks the file, which is what the initialiser is given."""
        return env_settings, init_settings


FILE = "ripple.toml"
STORE = ("home", "experiment", "registered_model")
"""The keys that say where results are kept."""


def load(place: Path | None = None) -> Settings:
    """Read the settings of *place*, a TOML file or a folder that may hold ``ripple.toml``, and the variables.

    Where results are kept (`STORE`) is also read from ``ripple.toml`` in the current folder, which *place*
    outranks: so commands that are given no data look where those that are have written.

    Raises:
        InputError: the file is not there or not TOML, a key or variable is unknown (the nearest known one is
            named), or a value is not allowed.
    """
    file = place / FILE if place and place.is_dir() else place
    given = _read(file) if file and (file == place or file.is_file()) else {}
    here = Path(FILE)
    common = {key: value for key, value in _read(here).items() if key in STORE} if here.is_file() else {}
    _refuse_unknown_variables()
    try:
        return Settings(**common | given)
    except ValidationError as error:
        raise InputError(
            "\n".join(
                _explain(str(here if problem["loc"][0] in common.keys() - given else file), problem)
                for problem in error.errors()
            )
        ) from error
    except SettingsError as error:
        raise InputError(_not_json(error)) from error


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"The settings {file} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{file} is not valid TOML: {error}.") from error


def _variables() -> dict[str, str]:
    """The RIPPLE_* variables, but for those of the service and of Kubernetes."""
    return {name: value for name, value in own_variables("RIPPLE_").items() if not name.startswith(SERVICE)}


def _explain(file: str, problem: Any) -> str:
    path = [str(part) for part in problem["loc"]]
    # pydantic also names the branch of a union, by its whole type; a table mostly has one mapping
    shown = [
        part
        for place, part in enumerate(path)
        if "[" not in part and not (place == 2 and part == "0" and path[0] == "tables")
    ]
    name = ".".join(shown)
    # RIPPLE_A__B gives b of section a, RIPPLE_A all of it
    spelt = ["RIPPLE_" + "__".join(path[:end]).upper() for end in range(len(path), 0, -1)]
    origin = next((variable for variable in spelt if variable in _variables()), file)
    if problem["type"] != "extra_forbidden":
        return f"{origin}: {name} = {problem['input']!r}: {problem['msg'].removeprefix('Value error, ')}."
    section: Any = Settings
    for part in path[:-1]:
        # inside a list the part is a position, inside a mapping a key
        if get_origin(section) is Annotated:
            section = get_args(section)[0]
        if container := get_origin(section):
            section = get_args(section)[1 if container is dict else 0]
        else:
            section = section.model_fields[part].annotation
    known = [field.alias or key for key, field in section.model_fields.items()]
    return f"{origin}: unknown key '{name}'{nearest(path[-1], known)}"


def _not_json(error: SettingsError) -> str:
    value = error.__cause__.doc if isinstance(error.__cause__, json.JSONDecodeError) else None
    variables = [f"{variable} = {given!r}" for variable, given in _variables().items() if given == value]
    return (
        f"{variables[0] if variables else error}: is not JSON; "
        'write a list as [30, 90] or ["a", "b"], a section or mapping as {"webinar": "expert"}.'
    )


def _refuse_unknown_variables() -> None:
    known = {"RIPPLE_" + path.upper() for path in _paths(Settings, "")}
    for variable in _variables():
        if variable not in known:
            raise InputError(f"the environment: unknown variable '{variable}'{nearest(variable, known)}")


def _paths(section: type[BaseModel], prefix: str) -> Iterable[str]:
    for name, field in section.model_fields.items():
        yield prefix + name
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _paths(field.annotation, f"{prefix}{name}__")
