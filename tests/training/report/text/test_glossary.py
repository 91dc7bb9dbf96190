from ripple.settings import Settings
from ripple.training.report.text.glossary import Explained, anchor, glossary

TERMS = glossary(Settings())
explained = Explained(TERMS)


def test_the_first_use_of_a_term_can_be_pointed_at() -> None:
    marked = explained("Capture is capture: a cutoff.")
    assert marked.count("<a ") == 2
    assert marked.startswith(
        f'<a class="term" href="#term-capture" data-tip="{TERMS["capture"]}">Capture</a>'
    )
    assert "</a> is capture: a <a" in marked


def test_the_longest_term_wins_and_parts_of_words_are_none() -> None:
    assert ">expected network value</a>" in explained("The expected network value.")
    assert "<a" not in explained("Recaptures and gateways.")
    assert ">cutoffs</a>" in explained("Two cutoffs.")


def test_what_is_not_a_term_is_escaped() -> None:
    assert explained("<b>capture & co</b>").startswith("&lt;b&gt;<a ")
    assert explained("<b>capture & co</b>").endswith("</a> &amp; co&lt;/b&gt;")


def test_every_term_has_an_id_of_its_own() -> None:
    assert len({anchor(name) for name in TERMS}) == len(TERMS)
    assert all(meaning and not meaning.endswith(".") for meaning in TERMS.values())


def test_meanings_follow_the_settings() -> None:
    settings = Settings(horizon_days=90, top_share=0.02)
    meanings = glossary(settings)
    assert "90 days" in meanings["network value"]
    assert "2\u00a0%" in meanings["capture"]
    assert set(meanings) == set(TERMS)


def test_terms_are_in_alphabetical_order() -> None:
    assert list(TERMS) == sorted(TERMS, key=str.lower)
