"""The Chromium of the machine, or the one that CHROMIUM names, and what a page must not show in it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
TODAY = "2026-01-02"
"""The day on which every page is read."""
UNDEFINED = re.compile(r"\b(nan|inf|nat|none|null)\b", re.IGNORECASE)
SAID = ("none seen", "none of them aside", "None: every row met every rule")
"""The texts in which "none" is meant."""
TEXT = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
  while (walker.nextNode()) {
    if (!walker.currentNode.parentElement.closest("script, style")) found.push(walker.currentNode.data);
  }
  return found.join(" ");
}"""
UNFOLD = """() => {
  for (const fold of document.querySelectorAll("details")) fold.open = true;
  for (const row of document.querySelectorAll(".later")) row.classList.remove("later");
}"""
WORDS = """() => {
  const count = (node) => node.innerText.split(/\\s+/).filter(Boolean).length;
  const unseen = [...document.querySelectorAll(".hidden, .skip")].filter((node) => node.checkVisibility());
  return unseen.reduce((rest, node) => rest - count(node), count(document.body));
}"""
NO_ROWS = """() => [...document.querySelectorAll("table")]
  .filter((table) => ![...table.tBodies].some((body) => body.rows.length))
  .map((table) => `no rows: ${(table.caption || table).textContent.trim()}`)"""
NO_MARKS = """() => [...document.querySelectorAll("svg[role=img]")]
  .filter((svg) => ![...svg.querySelectorAll(".mark")].some((mark) => {
    const box = mark.getBBox();
    return box.width > 0 || box.height > 0;
  }))
  .map((svg) => `no marks: ${svg.getAttribute("aria-label")}`)"""


def path() -> str | None:
    """Where the browser is; None where there is none."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def launched(executable: str) -> Iterator[Browser]:
    """The browser, until it is no longer needed."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, address: str, width: int, scheme: str) -> Iterator[Page]:
    """The page at *address*; whatever it complains of, or asks of the network, fails at the end."""
    context = browser.new_context(
        viewport={"width": width, "height": 844}, color_scheme=scheme, accept_downloads=True
    )
    tab, complaints, requested = context.new_page(), [], []
    tab.clock.set_fixed_time(TODAY)  # the report says when its forecast is over
    tab.on("console", lambda message: complaints.append(message.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("request", lambda request: requested.append(request.url))
    tab.goto(address)
    yield tab
    assert complaints == []
    assert [url for url in requested if not url.startswith(("data:", "blob:"))] == [address]
    context.close()


def nothing(tab: Page) -> list[str]:
    """What the page shows that is nothing: tables without rows, figures without marks, undefined numbers.

    Everything that is folded is opened first.
    """
    tab.evaluate(UNFOLD)
    text = str(tab.evaluate(TEXT))
    for meant in SAID:
        text = text.replace(meant, "")
    undefined = [
        f"undefined: …{text[max(m.start() - 40, 0) : m.end() + 20]}…" for m in UNDEFINED.finditer(text)
    ]
    return [*tab.evaluate(NO_ROWS), *tab.evaluate(NO_MARKS), *undefined]


def barriers(tab: Page) -> list[str]:
    """What axe-core finds hard to see, hear or operate, with the first place of each."""
    violations = Axe().run(tab).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in violations]


def words(tab: Page) -> int:
    """The number of words that a reader sees."""
    return int(tab.evaluate(WORDS))
