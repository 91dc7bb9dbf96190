"""Reasons for a score in plain words: a customer's feature against that of the typical customer."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

import pandas as pd

from ripple.models.bundle import Spec
from ripple.models.reasons import NO_UNIT, Reason, in_words
from ripple.training.report.text import words


class Phrase(NamedTuple):
    """What precedes and follows the value of a feature, for one customer and for several."""

    one: str
    several: str
    after: str = ""


WINDOW = re.compile(r"_(\d+)d$")
PHRASES = {
    "days_since_last_use": Phrase("last used the product", "last used it", "days ago"),
    "days_since_first_use": Phrase("first used the product", "first used it", "days ago"),
    "events": Phrase("used the product", "used it", "times"),
    "active_days": Phrase("used the product on", "used it on", "days"),
    "active_users": Phrase("has", "have", "people who use the product"),
    "weeks_in_a_row": Phrase("used the product for", "used it for", "weeks in a row"),
    "features_ever_used": Phrase("has used", "have used", "features"),
    "advanced_features_used": Phrase("has used", "have used", "advanced features"),
    "features_used": Phrase("used", "used", "features"),
    "advanced_share": Phrase("uses advanced features in", "use them in", "of all use"),
    "referrals": Phrase("brought in", "brought in", "customers"),
    "recent_referrals": Phrase("brought in", "brought in", "customers"),
    "paying_referrals": Phrase("brought in", "brought in", "customers who pay"),
    "buying_referrals": Phrase("brought in", "brought in", "customers who bought lately"),
    "active_referrals": Phrase("brought in", "brought in", "customers who were active lately"),
    "referral_revenue": Phrase("brought in customers who spent", "brought in customers who spent"),
    "recent_referral_revenue": Phrase("brought in customers who spent", "brought in customers who spent"),
    "best_referral": Phrase("brought in one customer who spent", "brought in one who spent"),
    "referent_reach": Phrase("reaches", "reach", "customers as a peer"),
    "informational_reach": Phrase("reaches", "reach", "customers with information"),
    "expert_reach": Phrase("reaches", "reach", "customers as an expert"),
    "days_since_last_order": Phrase("last ordered", "last ordered", "days ago"),
    "order_count": Phrase("placed", "placed", "orders"),
    "revenue": Phrase("spent", "spent"),
    "total_revenue": Phrase("has spent", "have spent", "so far"),
    "products_bought": Phrase("has bought", "have bought", "products"),
    "margin_share": Phrase("has a margin of", "have a margin of"),
    "tenure_days": Phrase("joined", "joined", "days ago"),
    "out_degree": Phrase("reaches", "reach", "customers"),
    "out_strength": Phrase("has", "have", "recent contacts with others, weighted by age"),
    "in_degree": Phrase("is reached by", "are reached by", "customers"),
    "in_strength": Phrase("has", "have", "recent contacts from others, weighted by age"),
    "second_hand_reach": Phrase("reaches", "reach", "contacts of contacts"),
    "neighbour_revenue": Phrase("reaches customers who have spent", "reach customers who have spent", "each"),
    "neighbour_products": Phrase(
        "reaches customers with", "reach customers with", "products each"
    ),
    "led_purchases": Phrase("bought before", "bought before", "purchases of those they reach"),
    "purchases_to_lead": Phrase(
        "has products for", "have products for", "purchases that contacts may still make"
    ),
    "recent_purchases_to_lead": Phrase(
        "has new products for", "have new products for", "purchases that contacts may still make"
    ),
    "past_influence_value": Phrase("influenced", "influenced", "of revenue in the last period"),
    "past_referral_value": Phrase("referred", "referred", "of revenue in the last period"),
    "past_network_value": Phrase("brought", "brought", "from others in the last period"),
    "past_influenced_customers": Phrase("influenced", "influenced", "customers in the last period"),
    "feedback_count": Phrase("gave feedback", "gave feedback", "times"),
    "feedback_mean": Phrase("gave feedback of", "gave", "on average, from −1 to 1"),
    "feedback_latest": Phrase("last gave feedback of", "last gave", "from −1 to 1"),
    "engagement_percentile": Phrase("is more active than", "are more active than", "of all customers"),
    "advanced_coverage": Phrase("has used", "have used", "of the advanced features"),
    "days_from_release": Phrase("takes up features after", "take them up after", "days"),
    "earliness": Phrase("used features before", "used them before", "of their other users"),
    "referent_strength": Phrase("has", "have", "recent contacts as a peer, weighted by age"),
    "informational_strength": Phrase("has", "have", "recent contacts with information, weighted by age"),
    "expert_strength": Phrase("has", "have", "recent contacts as an expert, weighted by age"),
    "referent_reciprocity": Phrase("is reached back by", "are reached back by", "of peers"),
    "informational_reciprocity": Phrase("is reached back by", "are reached back by", "of those informed"),
    "expert_reciprocity": Phrase("is reached back by", "are reached back by", "of those advised"),
    "pagerank": Phrase("is", "are", "times as central as the average customer"),
    "core_number": Phrase("is in a circle in touch with", "are in one in touch with", "others each"),
    "neighbour_lack": Phrase("reaches customers with", "reach customers with", "products fewer"),
    "neighbour_activity": Phrase("has", "have", "of contacts active lately"),
    "followed_purchases": Phrase("bought after a contact in", "did so in", "of first purchases"),
    "purchases_to_follow": Phrase("may follow contacts in", "may follow them in", "purchases"),
    "recent_purchases_to_follow": Phrase("may follow contacts in", "may follow them in", "new purchases"),
}  # fmt: skip
"""The words for a feature, by its name without the window; others are named as they are."""
FLAGS = {
    "advanced_power_user": ("uses most advanced features", "does not use most advanced features"),
    "was_referred": ("was brought in by another customer", "was not brought in by another customer"),
}
LESS, MORE = ("or less", "or more"), ("or fewer", "or more")
NOT_COUNTED = ("currency", "share", "ratio", "score", "nats", "times the average")


def typical(features: pd.DataFrame) -> pd.Series:
    """The typical value of each feature: the median of those who have one."""
    return features.median(numeric_only=True)


def plain(reason: Reason, spec: Spec, medians: pd.Series) -> str:
    """The value behind *reason*, and what half of all customers have, or the level that it stands for."""
    name, currency = reason.feature, spec.currency
    unit = spec.unit_by_feature.get(name, "")
    window = WINDOW.search(name)
    base = name[: window.start()] if window else name
    lately = f" in the last {window[1]} days" if window else ""
    subject = words.feature_words(base)
    if reason.value is None:
        return f"{subject}{lately} is not known of this customer"
    if base in FLAGS:
        return FLAGS[base][not reason.value]
    median = float(medians.get(name, math.nan))
    if category := spec.category_by_feature.get(name):
        level = category.in_words(reason.value) or "of an unknown level"
        return f"{subject} is {level}; such customers brought {words.decimal(reason.value)} times the average"
    if unit == "flag":
        most = "" if math.isnan(median) else f"; of most customers it is {words.yes_or_no(median >= 0.5)}"
        return f"{subject} is {words.yes_or_no(bool(reason.value))}{most}"
    phrase = PHRASES.get(base)
    value = _number(reason.value, unit, currency)
    text = " ".join(filter(None, (phrase.one, value, phrase.after))) if phrase else f"{subject} is {value}"
    if math.isnan(median):
        return f"{text}{lately}"
    counted = unit not in NOT_COUNTED
    side = (MORE if counted else LESS)[reason.value <= median]
    if median == 0 < reason.value and phrase:
        nothing = "nothing" if unit == "currency" else "0"
        return f"{text}{lately}; half of all {phrase.several} {nothing}"
    usual = _number(median, unit, currency)
    half = f"{phrase.several} {usual} {side}" if phrase else f"have {usual} {side}"
    return f"{text}{lately}; half of all {half}"


def _number(value: float, unit: str, currency: str) -> str:
    """The value without the name of its unit, unless that is money."""
    text = in_words(value, unit if unit in ("currency", "share") else NO_UNIT, currency)
    return text.replace("%", f"{words.NO_BREAK_SPACE}%").replace("-", "−")
