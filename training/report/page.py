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
from ripple.training.result import Evidence

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


def render(evidence: Evidence, decision: Decision | None = None) -> str:
    """The report on *evidence* as one HTML page: no file, font, script or picture comes from elsewhere.

    The same evidence gives the same bytes. What the gate decided is told where it is given.
    """
    terms = glossary(evidence.settings)
    sampled = Sampled.of(evidence)
    return template("page.html.j2", terms).render(
        name=evidence.name,
        dataset=evidence.dataset,
        as_of=evidence.as_of,
        top=words.share_name(evidence.settings.top_share),
        currency=evidence.settings.currency,
        headline=headline(evidence),
        coincidence=coincidence(evidence),
        judgement=judgement(evidence),
        calibration=calibration(evidence),
        heads=heads(evidence),
        kinds=kinds(evidence),
        known_truth=known_truth(),
        drifted=drifted(evidence),
        moves=moves(evidence),
        explanation=explanation(evidence, sampled),
        dependence=dependence(sampled, evidence.earlier_effects, evidence.settings.seed),
        agreement=agreement(evidence, sampled),
        constancy=constancy(evidence, sampled),
        learn=learn(evidence),
        claims=claims(evidence),
        customers=customers(evidence),
        turn=turn(evidence),
        earn=earn(evidence),
        sources=sources(evidence),
        limits=limits(evidence),
        trust=trust(evidence),
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
