"""What a reader can see or hear of a page, and parts of its HTML."""

from __future__ import annotations

import re
from html.parser import HTMLParser


class _Text(HTMLParser):
    """Collects text, titles and labels; leaves out styles and scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.hidden_depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.hidden_depth += tag in ("style", "script")
        self.parts += [value or "" for name, value in attrs if name in ("title", "aria-label", "alt")]

    def handle_endtag(self, tag: str) -> None:
        self.hidden_depth -= tag in ("style", "script")

    def handle_data(self, data: str) -> None:
        if not self.hidden_depth:
            self.parts.append(data)


def visible_text(html: str) -> str:
    """The text, titles and labels of *html*, with single spaces."""
    parser = _Text()
    parser.feed(html)
    parser.close()
    return re.sub(r"[^\S\u00a0]+", " ", " ".join(parser.parts))


def section_html(html: str, section: str) -> str:
    """The HTML from the start of the section with the id *section* to the next end of a section."""
    start = html.index(f'id="{section}" aria-labelledby')
    return html[start : html.index("</section>", start)]


def numbers(text: str) -> list[str]:
    """The numbers of *text* as they are written, in order; a date has two."""
    return re.findall(r"[+−]?\d(?:[\d,.]*\d)?", text)
