"""The page of a training run: all sections in one HTML file that needs nothing but a browser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from ripple.training.kept_experiments import KeptExperiment
from ripple.training.registry.gate import Decision
from ripple.training.registry.history import PastVersion
from ripple.training.report.sections.answer.customers import customers_section
from ripple.training.report.sections.answer.decision import decision_section
from ripple.training.report.sections.answer.headline import headline_section
from ripple.training.report.sections.answer.limits import limits
from ripple.training.report.sections.answer.role_models import role_models_section
from ripple.training.report.sections.trust.backtest import backtest_section
from ripple.training.report.sections.trust.calibration import calibration_section
from ripple.training.report.sections.trust.data_sources import data_sources_section
from ripple.training.report.sections.trust.drift import drift_section
from ripple.training.report.sections.trust.heads import heads_section
from ripple.training.report.sections.trust.history import history_section
from ripple.training.report.sections.trust.known_truth import known_truth_section
from ripple.training.report.sections.trust.placebos import placebo_section
from ripple.training.report.sections.trust.slices import slices_section
from ripple.training.report.sections.trust.top_customers import top_customers_section
from ripple.training.report.sections.trust.trust import trust_section
from ripple.training.report.sections.value.claims import claims_section
from ripple.training.report.sections.value.concentration import concentration_section
from ripple.training.report.sections.value.experiments import experiments_section
from ripple.training.report.sections.value.plays import plays_section
from ripple.training.report.sections.value.profitability import profitability_section
from ripple.training.report.sections.why.dependence import dependence_section
from ripple.training.report.sections.why.explanation import Sampled, explanation_section
from ripple.training.report.sections.why.explanation_stability import explanation_stability_section
from ripple.training.report.sections.why.head_agreement import head_agreement_section
from ripple.training.report.sections.why.membership_changes import membership_changes_section
from ripple.training.report.text import words
from ripple.training.report.text.glossary import Explained, anchor, glossary
from ripple.training.result import TrainingResult

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Part:
    """A numbered part of the page; the template `id`.html.j2 begins with a heading of id `id`-title."""

    id: str
    short: str
    title: str


PARTS = (
    Part("answer", "Answer", "The answer"),
    Part("customers", "Customers", "Customers"),
    Part("turn", "Plays", "Plays"),
    Part("experiments", "Tested", "What our plays did"),
    Part("trust", "Trust", "Can you trust it?"),
    Part("learn", "Learn", "Learn, and claims measured"),
    Part("why", "Why", "Why"),
    Part("appendix", "Appendix", "Appendix"),
)
"""The parts in the order of the page."""


def render(
    result: TrainingResult,
    decision: Decision | None = None,
    past: Sequence[PastVersion] = (),
    kept: Sequence[KeptExperiment] = (),
) -> str:
    """The report on *result*, the *decision* of the gate, *past* versions, and experiments the home *kept*.

    One HTML page, which loads no file, font, script or picture from elsewhere. The same arguments give the
    same bytes.
    """
    terms = glossary(result.settings)
    sampled, experiments = Sampled.of(result), experiments_section(result, kept)
    customers = customers_section(result)
    return template("page.html.j2", terms).render(
        name=result.name,
        dataset=result.dataset,
        as_of=result.population.as_of,
        top=words.exact_percent(result.settings.top_share),
        currency=result.settings.currency,
        display_names=result.population.display_names,
        headline=headline_section(result),
        decision=decision_section(result),
        customers=customers,
        role_models=role_models_section(result),
        ranks={row.id: int(row.rank.sort) for row in customers["rows"]},
        limits=limits(result),
        concentration=concentration_section(result),
        claims=claims_section(result),
        plays=plays_section(result),
        experiments=experiments,
        profitability=profitability_section(result),
        explanation=explanation_section(result, sampled),
        dependence=dependence_section(sampled, result.evaluation.earlier_effects, result.settings.seed),
        head_agreement=head_agreement_section(result, sampled),
        explanation_stability=explanation_stability_section(result, sampled),
        membership_changes=membership_changes_section(result),
        trust=trust_section(result),
        judged=top_customers_section(result),
        history=history_section(result, past),
        placebos=placebo_section(result),
        backtest=backtest_section(result),
        calibration=calibration_section(result),
        heads=heads_section(result),
        known_truth=known_truth_section(),
        slices=slices_section(result),
        drift=drift_section(result),
        data_sources=data_sources_section(result),
        gate=decision,
        parts=[part for part in PARTS if part.id != "experiments" or experiments],
    )


def template(name: str, terms: dict[str, str]) -> Template:
    """The template *name*, with the glossary *terms*."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "day": words.day,
        "count": words.count,
        "plural": words.plural,
        "explained": Explained(terms),
        "anchor": anchor,
    }
    shared = {"terms": terms, "style": _verbatim("style.css"), "script": _verbatim("script.js")}
    return environment.get_template(name, globals=shared)


def _verbatim(name: str) -> Markup:
    return Markup((TEMPLATES / name).read_text(encoding="utf-8"))
