"""The glossary of the page: shown where the reader points at a term, and listed at the end of the page."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

from ripple.settings import Settings
from ripple.training.report.text import words


def glossary(settings: Settings) -> dict[str, str]:
    """The meaning of each term in this run, by term, in the order of the alphabet."""
    top, days = words.exact_percent(settings.top_share), settings.horizon_days
    interval = words.exact_percent(settings.model.interval)
    terms = {
        "network value": f"revenue from other customers that is credited to a customer, over {days} days; "
        "their own spend is not part of it",
        "expected network value": f"the network value that the model predicts for the next {days} days",
        "capture": f"network value of the {top} of customers that a ranking puts first ÷ network value of "
        f"the {top} with the highest realised network value; 100\u00a0% is perfect",
        "simple rule": "a ranking by one known number, such as the customer’s own revenue; a model has to "
        "beat the best of these rules to be worth its cost",
        "best possible list": f"the {top} of customers who turned out to hold most network value; "
        "nobody could have known it",
        "digest": "a fingerprint of data, settings, code and libraries: the same digest means the "
        "same version",
        "percentage points": "the difference between two shares: from 50\u00a0% to 53\u00a0% is 3 points",
        "95\u00a0% interval": "a range from resamples of the customers: of 100 such ranges, each from other "
        "customers, about 95 contain the true number; it covers which customers there were, not which "
        "periods",
        "cutoff": "a date in the past at which the run stops looking: features use only what came before "
        "it, network value counts only what came after it",
        "backtest": "predictions for past cutoffs, made only from data known then, and compared with "
        "realised values",
        "placebo": "a test that should find no influence; what it credits all the same shows how much may "
        "be chance, because similar customers buy similar things without influencing each other",
        "adoption": "a customer’s first purchase of a product",
        "stratum": "a group of customers who are mostly in touch with each other; a buyer is compared "
        "with others of the same stratum",
        "referral value": "what customers who joined by a recorded referral spend within "
        f"{settings.credit.referral_days:g} days of joining",
        "influence": "purchases of others that would not have happened, or not as early, without this "
        "customer; an estimate",
        "SHAP": "splits a score into one part per feature (Lundberg et al. 2020); it explains the model, "
        "not causes",
        "share of movement": "mean size of a feature’s effect on the score ÷ the sum of these over all "
        "features",
        "Precision": "share of the customers put in the top who realised a place there",
        "PR-AUC": "mean precision over all sizes of the top; a random order gives about "
        f"{settings.top_share:.2g}",
        "Gini": "how well the whole order puts customers with high value first: 1 is perfect, 0 is random",
        "Spearman": "agreement of the whole order with the realised order, ties included: 1 is perfect, "
        "0 is random",
        "Brier score": f"mean squared error of the probability of being in the top {top}; lower is better",
        "coverage": f"share of customers whose realised value lay inside their {interval} interval",
        "chance of any": "the probability that the customer brings any network value at all",
        f"{interval} interval": "the range that should contain the realised value of "
        f"{interval} of such customers",
        "calibration": "whether predictions agree with what is realised: probabilities with frequencies, "
        "amounts with amounts",
        "PSI": "population stability index: how far a distribution has moved; below 0.1 is stable, above "
        "0.25 is shifted (Siddiqi 2006)",
        "two heads": "the two models: one predicts the amount, the other the probability of being in the top",
        "embargo": f"the {days} days before an evaluated cutoff; a training cutoff may not lie in them, "
        "because its outcome was not known yet",
        "champion": "the version that is served",
        "gate": "the checks that a version must pass to become champion automatically",
    }
    return dict(sorted(terms.items(), key=lambda item: item[0].lower()))


class Explained:
    """A filter for templates that marks the terms of a glossary in text."""

    def __init__(self, terms: dict[str, str]) -> None:
        self.terms = terms
        # the longest first: “expected network value” is not “network value”
        names = sorted(terms, key=len, reverse=True)
        self._pattern = re.compile(
            rf"(?<![\w-])({'|'.join(re.escape(str(escape(name))) for name in names)})(s?)(?![\w-])",
            re.IGNORECASE,
        )
        self._names = {str(escape(name)).lower(): name for name in names}

    def __call__(self, text: str) -> Markup:
        """*text* as HTML, in which the first use of each term shows its meaning."""
        used: set[str] = set()

        def mark(match: re.Match[str]) -> str:
            name = self._names[match[1].lower()]
            if name in used:
                return match[0]
            used.add(name)
            return str(self.term(match[0], name))

        return Markup(self._pattern.sub(mark, str(escape(text))))

    def term(self, shown: str, name: str | None = None) -> Markup:
        """A term with its meaning; without a script it is a link to its entry in the list."""
        name = name or shown
        return Markup('<a class="term" href="#{}" data-tip="{}">{}</a>').format(
            anchor(name), self.terms[name], Markup(shown)
        )


def anchor(name: str) -> str:
    """The id of the entry of a term in the list."""
    return "term-" + re.sub(r"\W+", "-", name.lower()).strip("-")
