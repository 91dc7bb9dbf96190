import pytest

from ripple.redaction import hidden


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("checking postgresql://shop:secret@host:5432/db", "checking postgresql://***@host:5432/db"),
        ("(mysql://shop:se@cr:et@host)", "(mysql://***@host)"),
        ("postgresql:/:secret@host", "postgresql:/***@host"),
        ("postgresql://host/db?password=secret&sslmode=no", "postgresql://host/db?password=***&sslmode=no"),
        (r"host=h password='sec\'ret 1' port=5", "host=h password=*** port=5"),
        ("sslpassword=secret", "sslpassword=***"),
    ],
)
def test_credentials_of_a_url_are_hidden(text: str, shown: str) -> None:
    assert hidden(text) == shown


@pytest.mark.parametrize(
    "text",
    ["postgresql://host:5432/db?schema=x", "postgresql://shop@host:5432/db", "at 09:30 a@b.com", "s3://x/y"],
)
def test_other_text_stays(text: str) -> None:
    assert hidden(text) == text


@pytest.mark.parametrize("form", ["a/b c%@", "a%2Fb%20c%25%40", "a/b%20c%25%40", "a%2Fb+c%25%40"])
def test_a_known_secret_is_hidden_however_it_is_encoded(form: str) -> None:
    assert hidden(f"no [{form}] please", ["a/b c%@", ""]) == "no [***] please"
