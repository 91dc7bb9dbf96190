"""The pages of an experiment, as Markdown: what a design can show, and what a read-out found."""

from __future__ import annotations

from ripple.models.reasons import in_words
from ripple.training.experiments.design import ASSIGNMENTS, Design, PlayPlan
from ripple.training.experiments.outcomes import ACTIVE, AUDIENCE, CREDITED, OUTCOMES, OWN, TOTAL
from ripple.training.experiments.readout import OutcomeReading, PlayReading, Readout

NAMES = {
    TOTAL: "revenue, own and audience's",
    OWN: "own revenue",
    AUDIENCE: "the audience's revenue",
    CREDITED: "credited network value",
    ACTIVE: "customers still active",
}
"""What outcomes are called."""
MEANING = {
    "worked": "the play did it, beyond chance",
    "harmed": "customers with the play did worse, beyond chance",
    "not shown": "an effect as large as the plan hoped for would have been seen, and was not",
    "too small to say": "the experiment cannot tell a good play from a useless one",
}


def amount(outcome: str, value: float, currency: str) -> str:
    """A value of an *outcome* in words."""
    if outcome == ACTIVE:
        return f"{100 * value:+.1f} points".replace("-", "−")
    return f"{_number(value)} {currency}"


def between(outcome: str, low: float, high: float, currency: str) -> str:
    """The range between two values of an *outcome* in words."""
    if outcome == ACTIVE:
        return (
            f"{amount(outcome, low, currency).removesuffix(' points')} to {amount(outcome, high, currency)}"
        )
    return f"{_number(low)} to {_number(high)} {currency}"


def _number(value: float) -> str:
    digits = 0 if abs(value) >= 100 or value == round(value) else 2
    return f"{value:,.{digits}f}".replace("-", "−")


def outcome_name(outcome: str) -> str:
    """What an *outcome* is called."""
    return NAMES[outcome]


def prospect_sentence(play: str, plan: PlayPlan, design: Design) -> str:
    """What the experiment can show of the total revenue of a play."""
    prospect, customers = plan.prospects[TOTAL], plan.treated + plan.held
    if prospect.detectable is None:
        return (
            f"{play}: {customers:,} customers. What it can show is not known: the data hold no past window "
            f"of {design.days} days with as long a past, or too few customers had the play then."
        )
    wanted, detectable = (
        amount(TOTAL, value, design.currency) for value in (prospect.wanted, prospect.detectable)
    )
    if prospect.suffices:
        return (
            f"{play}: {customers:,} customers. An effect of {detectable} per treated customer is found 4 "
            f"times in 5; the play is taken to bring {wanted}."
        )
    needs = [f"{prospect.customers:,} customers" if prospect.customers else ""]
    needs.append(f"{prospect.days:,} days" if prospect.days and prospect.days < 3650 else "")
    options = " or ".join(filter(None, needs))
    return (
        f"{play}: {customers:,} customers, which is too few. Only an effect of {detectable} per treated "
        f"customer would be found 4 times in 5, and the play is taken to bring {wanted}. It would take "
        f"{options or 'another outcome'}" + ("." if needs[-1] else "; more days alone would not do.")
    )


def design_page(design: Design) -> str:
    """The one-page summary of a design."""
    treated = sum(plan.treated for plan in design.plays.values())
    held = sum(plan.held for plan in design.plays.values())
    lines = [
        f"# Experiment {design.name}",
        "",
        f"{treated:,} customers get their play, {held:,} do not. From {design.start:%Y-%m-%d} to "
        f"{design.end:%Y-%m-%d} ({design.days} days) both are compared.",
        "",
        "## What to do",
        "",
        f"1. Take `{ASSIGNMENTS}` into your CRM. Treat the customers with arm `treatment`, from "
        f"{design.start:%Y-%m-%d} on.",
        "2. Leave the customers with arm `holdout` alone: no call, no mail about the play.",
        "3. Write each contact into the table `plays_log`: customer_id, play, contacted_at.",
        "4. Read the result with `ripple experiment read DATA --design FOLDER`, at any time; the last word "
        "is on "
        f"{design.end:%Y-%m-%d}.",
        "",
        "Change nothing in this folder: the read-out refuses files that are not as they were written.",
        "",
        "## What it can show",
        "",
        *(f"- {prospect_sentence(play, plan, design)}" for play, plan in design.plays.items()),
        "",
    ]
    for play, plan in design.plays.items():
        lines += [
            f"### {play}",
            "",
            f"{plan.treated:,} treated customers in {plan.treated_units:,} units, {plan.held:,} held out in "
            f"{plan.held_units:,}. Each is expected to bring "
            f"{in_words(plan.value, 'currency', design.currency)} in "
            f"{design.days} days, with those they reach.",
            "",
            "| outcome, per treated customer | effect that is found 4 times in 5 | the play is taken to "
            "bring "
            "| A/A tests that erred |",
            "|---|---|---|---|",
        ]
        for name, prospect in plan.prospects.items():
            found = (
                "not known"
                if prospect.detectable is None
                else amount(name, prospect.detectable, design.currency)
            )
            erred = "not known" if prospect.false_positives is None else f"{prospect.false_positives:.0%}"
            lines.append(
                f"| {NAMES[name]} | {found} | {amount(name, prospect.wanted, design.currency)} | {erred} |"
            )
        lines.append("")
    windows = ", ".join(f"{window:%Y-%m-%d}" for window in design.windows)
    lines += [
        "## How it was made",
        "",
        f"- Version {design.model} chose the customers by what was known on {design.as_of:%Y-%m-%d}.",
        f"- {_units(design)}",
        f"- {design.overlap_customers:.0%} of the ties of those they reach come from another customer of the "
        f"experiment, {design.overlap_units:.0%} from another unit, {design.overlap_arms:.0%} from the other "
        "arm. By about twice the last share the effect on the audience will be understated, and by more "
        "where those who are reached go on to reach others.",
        f"- {design.holdout:.0%} of the units of each stratum are held out, drawn with seed {design.seed}. "
        "Units of a "
        "stratum have the same play and are alike in network value, own spend and size of the audience.",
    ]
    if design.windows:
        lines.append(
            f"- A/A tests, in which nobody is treated, were made on windows of {design.days} days from "
            f"{windows}; in them own spend of the days before stands for expected spend."
        )
    if design.left_out:
        lines.append(
            f"- {len(design.left_out):,} customers were left out, as one unit held too much of the value for "
            f"a fair comparison: {', '.join(design.left_out[:5])}."
        )
    if design.resting:
        lines.append(
            f"- {design.resting:,} customers were left out, as they were contacted lately (plays.rest_days)."
        )
    lines += ["", "## The analysis, fixed now", "", design.analysis, ""]
    lines += [f"- {NAMES[name]}: {meaning}." for name, meaning in design.outcomes.items()]
    return "\n".join(lines) + "\n"


def _units(design: Design) -> str:
    if design.units == "ego":
        return (
            "Customers who reach the same others are one unit, which is treated or held out together; a "
            f"unit has {design.most_per_unit} customers at most."
        )
    if design.units == "community":
        return "Customers of one community of the graph of interactions are one unit."
    return "Each customer is a unit of their own."


def outcome_sentence(reading: OutcomeReading, readout: Readout) -> str:
    """The conclusion of an outcome in a sentence, the number first."""
    effect, outcome, currency = reading.effect, reading.outcome, readout.currency
    return (
        f"{amount(outcome, effect.effect, currency)} per treated customer in {readout.days} days (95 % "
        f"interval {between(outcome, effect.low, effect.high, currency)}): {reading.conclusion}"
    )


def play_sentences(play: PlayReading, readout: Readout) -> list[str]:
    """What was found of a play, the conclusion on total revenue first."""
    total = play.of(TOTAL)
    if total is None:
        return [f"nothing can be said; {play.problem}."]
    effect, currency = total.effect, readout.currency
    sentences = [
        f"{total.conclusion}. {amount(TOTAL, effect.effect, currency)} per treated customer in "
        f"{readout.days} days (95 % interval {between(TOTAL, effect.low, effect.high, currency)}), from the "
        f"customers and those they reach: {MEANING[total.conclusion]}."
    ]
    if total.conclusion == "too small to say":
        sentences.append(f"The plan hoped for {amount(TOTAL, total.wanted, readout.currency)}.")
    if play.through_others is not None:
        audience = play.of(AUDIENCE)
        sure = audience is not None and audience.conclusion == "worked"
        sentences.append(
            f"{play.through_others:.0%} of it came through others{'.' if sure else ', which may be chance.'}"
        )
    if play.cost is not None:
        cost = amount(TOTAL, play.cost, currency)
        sentences.append(
            f"The play costs {cost} per customer; what revenue pays for it is not known without margins."
            if play.break_even is None
            else f"The play costs {cost} per customer, and by your margin "
            f"{amount(TOTAL, play.break_even, currency)} of revenue pay for that: "
            f"{_paid(total, play.break_even)}."
        )
    return sentences


def _paid(total: OutcomeReading, break_even: float) -> str:
    """Whether a play pays for itself, by the bounds of its effect on revenue.

    These are not corrected for the number of plays, so a play that is not known to have worked is not said to
    pay.
    """
    if total.conclusion == "worked" and total.effect.low >= break_even:
        return "it pays for itself"
    if total.conclusion != "too small to say" and total.effect.high < break_even:
        return "it does not pay for itself"
    return "whether it pays for itself is not shown"


def readout_page(readout: Readout) -> str:
    """The page of a read-out."""
    failed = [check for check in readout.checks if not check.passed]
    lines = [
        f"# Experiment {readout.experiment}",
        "",
        f"Read on {readout.until:%Y-%m-%d}, {readout.days} days after the start: "
        + (
            "this is the result."
            if readout.fraction >= 1
            else f"{readout.fraction:.0%} of the time has passed. Intervals are wider before the end, so "
            "that you may look as often as you like."
        ),
        "",
    ]
    if failed:
        lines += [
            f"**{len(failed)} of {len(readout.checks)} checks failed.** See below before you use a number.",
            "",
        ]
    for play in readout.plays:
        sentences = " ".join(play_sentences(play, readout))
        lines += [f"## {play.play}", "", sentences[0].upper() + sentences[1:], ""]
        if not play.outcomes:
            continue
        effect = play.outcomes[0].effect
        lines += [
            f"{effect.treated:,} treated customers in {effect.treated_units:,} units, {effect.held:,} held "
            "out in "
            f"{effect.held_units:,}.",
            "",
            "| outcome | held-out customers | effect per treated customer | 95 % interval | conclusion | p |",
            "|---|---|---|---|---|---|",
        ]
        for one in play.outcomes:
            middle = amount(one.outcome, one.effect.effect, readout.currency)
            bounds = between(one.outcome, one.effect.low, one.effect.high, readout.currency)
            level = (
                f"{one.effect.held_mean:.0%}"
                if one.outcome == ACTIVE
                else amount(one.outcome, one.effect.held_mean, readout.currency)
            )
            lines.append(
                f"| {NAMES[one.outcome]} | {level} | {middle} | {bounds} | {one.conclusion} | "
                f"{one.p_value:.2g} |"
            )
        lines.append("")
    lines += ["## Did the experiment go as planned?", ""]
    lines += [
        f"- {'passed' if check.passed else '**failed**'}: {check.name}. {check.finding}."
        for check in readout.checks
    ]
    lines += ["", "## What the words mean", ""]
    lines += [f"- {word}: {meaning}." for word, meaning in MEANING.items()]
    lines += [f"- {NAMES[name]}: {meaning}." for name, meaning in OUTCOMES.items()]
    return "\n".join(lines) + "\n"
