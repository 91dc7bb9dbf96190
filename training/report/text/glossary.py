"""The terms of the page, each explained once: shown where a term is pointed at, and listed at the end."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

from ripple.settings import Settings
from ripple.training.report.text import words


def glossary(settings: Settings) -> dict[str, str]:
    """Term → what it means in this run, in the order of the alphabet."""
    top, days = words.share_name(settings.top_share), settings.horizon_days
    interval = words.share_name(settings.model.interval)
    found = {
        "network value": f"revenue from other customers that is credited to a customer, over {days} days; "
        "what they spend themselves is no part of it",
        "expected network value": f"the network value that the model foresees for the next {days} days",
        "capture": f"network value held by the {top} of customers that was picked ÷ network value held by "
        f"the {top} who really came first; 100\u00a0% is perfect hindsight",
        "simple rule": "a ranking by one known fact, such as the customer’s own revenue; a model that does "
        "not beat the best of them is not worth its trouble",
        "percentage points": "the difference of two shares: from 50\u00a0% to 53\u00a0% are 3 points",
        "95\u00a0% interval": "where the number would lie in 95 of 100 redraws of the customers; it covers "
        "which customers there were, not which periods",
        "cutoff": "a date at which the run stands still: features look back from it, network value is "
        "counted after it",
        "backtest": "forecasts made for dates in the past with nothing but what was known then, held against "
        "what came",
        "placebo": "a test that should find nothing; what it finds all the same may be coincidence",
        "coincidence": "credit that would also be given if nobody influenced anybody, because alike "
        "customers buy alike",
        "adoption": "a customer’s first purchase of a product",
        "stratum": "a group of customers who are mostly in touch with each other, among whom a buyer is "
        "compared",
        "referral value": f"what customers spend, within {settings.credit.referral_days:g} days of joining, "
        "whom a recorded referral brought in",
        "influence": "what others bought and would not have bought, or not then, without this customer: an "
        "estimate",
        "SHAP": "splits a score into the part that each feature has in it (Lundberg et al. 2020); explains "
        "the model, not causes",
        "share of movement": "mean size of a feature’s effect on the score ÷ the sum of that over all "
        "features",
        "Precision": "share of those put in the top who truly belong there",
        "PR-AUC": "precision averaged over every place to draw the line; guessing gives about "
        f"{settings.top_share:.2g}",
        "Gini": "how well the whole order gathers value at the front: 1 is perfect, 0 is chance",
        "Spearman": "agreement of the whole order with the true order, equals included: 1 is perfect, 0 is "
        "chance",
        "Brier score": f"mean squared error of the probability of being in the top {top}; lower is better",
        "coverage": f"share of customers for whom what came true lay inside their {interval} interval",
        f"{interval} interval": f"the range that should hold what comes true for {interval} of such "
        "customers",
        "calibration": "whether what is predicted comes true as often, or as much, as it says",
        "PSI": "population stability index: how far a distribution has moved; below 0.1 is stable, above "
        "0.25 a shift (Siddiqi 2006)",
        "two heads": "the two models: the first foresees the amount, the second the odds of being at the top",
        "embargo": f"the {days} days before a judged cutoff in which no cutoff may teach, since its outcome "
        "was not known yet",
        "champion": "the version that is served",
        "gate": "the checks that a version must pass to become champion by itself",
    }
    return dict(sorted(found.items(), key=lambda one: one[0].lower()))


class Explained:
    """Marks the terms of a glossary in text."""

    def __init__(self, terms: dict[str, str]) -> None:
        self.terms = terms
        # the longest first: “expected network value” is not “network value”
        names = sorted(terms, key=len, reverse=True)
        self._pattern = re.compile(
            rf"(?<![\w-])({'|'.join(re.escape(str(escape(name))) for name in names)})(s?)(?![\w-])",
            re.IGNORECASE,
        )
        self._known = {str(escape(name)).lower(): name for name in names}

    def __call__(self, text: str) -> Markup:
        """*text* as HTML, in which the first use of each term can be pointed at."""
        seen: set[str] = set()

        def marked(found: re.Match[str]) -> str:
            name = self._known[found[1].lower()]
            if name in seen:
                return found[0]
            seen.add(name)
            return str(self.term(found[0], name))

        return Markup(self._pattern.sub(marked, str(escape(text))))

    def term(self, shown: str, name: str | None = None) -> Markup:
        """A term that explains itself; a link to the list of all where there is no script."""
        name = name or shown
        return Markup('<a class="term" href="#{}" data-tip="{}">{}</a>').format(
            anchor(name), self.terms[name], Markup(shown)
        )


def anchor(name: str) -> str:
    """The id of a term's entry in the list."""
    return "term-" + re.sub(r"\W+", "-", name.lower()).strip("-")
