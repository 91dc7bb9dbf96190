"""Brings the sections together into one HTML page that needs nothing but a browser."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from ripple.training.registry.gate import Decision
from ripple.training.report.sections.answer.customers import customers
from ripple.training.report.sections.answer.headline import headline
from ripple.training.report.sections.answer.limits import limits
from ripple.training.report.sections.trust.backtest import judgement
from ripple.training.report.sections.trust.calibration import calibration
from ripple.training.report.sections.trust.data_sources import sources
from ripple.training.report.sections.trust.drift import drifted
from ripple.training.report.sections.trust.heads import heads
from ripple.training.report.sections.trust.known_truth import known_truth
from ripple.training.report.sections.trust.placebos import coincidence
from ripple.training.report.sections.trust.slices import kinds
from ripple.training.report.sections.trust.trust import trust
from ripple.training.report.sections.value.claims import claims
from ripple.training.report.sections.value.concentration import learn
from ripple.training.report.sections.value.plays import turn
from ripple.training.report.sections.value.profitability import earn
from ripple.training.report.sections.why.dependence import dependence
from ripple.training.report.sections.why.explanation import Sampled, explanation
from ripple.training.report.sections.why.explanation_stability import constancy
from ripple.training.report.sections.why.head_agreement import agreement
from ripple.training.report.sections.why.membership_changes import moves
from ripple.training.report.text import words
from ripple.training.report.text.glossary import Explained, anchor, glossary
from ripple.training.result import TrainingResult

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Part:
    """A numbered part of the page: `id`.html.j2 fills it and begins with a heading of id `id`-title."""

    id: str
    short: str
    title: str


PARTS = (
    Part("answer", "Answer", "The answer"),
    Part("learn", "Learn", "Learn"),
    Part("claims", "Claims", "Claims, measured"),
    Part("why", "Why", "Why"),
    Part("turn", "Turn", "Turn"),
    Part("earn", "Earn", "Earn, while protecting profitability"),
    Part("trust", "Trust", "Can you trust it?"),
)
"""In the order of the page: answer, learn, claims, why, turn, earn, trust."""


def render(result: TrainingResult, decision: Decision | None = None) -> str:
    """The report on *result* as one HTML page: no file, font, script or picture comes from elsewhere.

    The same evidence gives the same bytes. What the gate decided is told where it is given.
    """
    terms = glossary(result.settings)
    sampled = Sampled.of(result)
    return template("page.html.j2", terms).render(
        name=result.name,
        dataset=result.dataset,
        as_of=result.as_of,
        top=words.share_name(result.settings.top_share),
        currency=result.settings.currency,
        headline=headline(result),
        coincidence=coincidence(result),
        judgement=judgement(result),
        calibration=calibration(result),
        heads=heads(result),
        kinds=kinds(result),
        known_truth=known_truth(),
        drifted=drifted(result),
        moves=moves(result),
        explanation=explanation(result, sampled),
        dependence=dependence(sampled, result.earlier_effects, result.settings.seed),
        agreement=agreement(result, sampled),
        constancy=constancy(result, sampled),
        learn=learn(result),
        claims=claims(result),
        customers=customers(result),
        turn=turn(result),
        earn=earn(result),
        sources=sources(result),
        limits=limits(result),
        trust=trust(result),
        gate=decision,
        parts=PARTS,
    )


def template(name: str, terms: dict[str, str]) -> Template:
    """A page to be filled, with the glossary *terms*."""
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
    found = {"terms": terms, "style": _verbatim("style.css"), "script": _verbatim("script.js")}
    return environment.get_template(name, globals=found)


def _verbatim(name: str) -> Markup:
    return Markup((TEMPLATES / name).read_text(encoding="utf-8"))
