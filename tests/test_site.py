"""The documentation as Markdown and as a site: links lead somewhere, and no page needs a network."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest
from bs4 import BeautifulSoup
from markdown_it import MarkdownIt
from mdit_py_plugins.anchors import anchors_plugin

from tests.support.checkout import ROOT

DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAGES = [*sorted(ROOT.glob("*.md")), *DOCS]
PLACES = ("href", "src")
FILE = re.compile(
    r"`((?:benchmarks|examples|features|models|ripple|serving|simulation|tests|training)/[\w/]+\.\w+)`"
)
IMPORT = re.compile(r"^from (ripple[\w.]*) import ([\w, ]+)$", re.MULTILINE)
LOADED = "script[src], link[rel~=stylesheet], link[rel~=preload], link[rel~=icon], img[src], iframe[src]"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, BeautifulSoup]:
    """Every page of the site by its path; a warning of Sphinx fails."""
    folder = tmp_path_factory.mktemp("site").resolve()
    built = subprocess.run(
        [Path(sys.executable).with_name("sphinx-build"), "-q", "-W", "--keep-going", "docs", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return {page: _read(page.read_text(encoding="utf-8")) for page in folder.rglob("*.html")}


def _read(html: str) -> BeautifulSoup:
    return BeautifulSoup(html, "html.parser")


def _markdown(page: Path) -> BeautifulSoup:
    """The page as GitHub shows it, with its ids of headings."""
    reader = MarkdownIt("gfm-like", {"linkify": False}).use(anchors_plugin, max_level=6)
    return _read(reader.render(page.read_text(encoding="utf-8")))


def _dead(pages: dict[Path, BeautifulSoup]) -> Iterator[str]:
    """Links of the pages to a file that is not there, or to a heading that its page does not have."""
    ids = {page: {node["id"] for node in html.select("[id]")} for page, html in pages.items()}
    for page, html in pages.items():
        for link in (node[place] for place in PLACES for node in html.select(f"[{place}]")):
            if urlsplit(str(link)).scheme:
                continue
            path, anchor = map(unquote, urldefrag(urlsplit(str(link))._replace(query="").geturl()))
            target = (page.parent / path).resolve() if path else page
            if not target.exists() or (anchor and anchor not in ids.get(target, {anchor})):
                yield f"{page.name}: {link}"


def test_links_between_markdown_pages_lead_somewhere() -> None:
    assert not list(_dead({page: _markdown(page) for page in PAGES}))


def test_files_that_pages_name_are_there() -> None:
    named = {name for page in PAGES for name in FILE.findall(page.read_text(encoding="utf-8"))}
    assert len(named) > 50
    assert not [name for name in sorted(named) if not (ROOT / name).is_file()]


def test_imports_that_pages_show_work() -> None:
    shown = {statement for page in PAGES for statement in IMPORT.findall(page.read_text(encoding="utf-8"))}
    assert ("ripple", "Client") in shown
    for module, names in sorted(shown):
        for name in names.split(", "):
            assert hasattr(importlib.import_module(module), name), f"{module}.{name}"


def test_links_of_the_site_lead_somewhere(site: dict[Path, BeautifulSoup]) -> None:
    assert {page.stem for page in DOCS} <= {page.stem for page in site}
    assert not list(_dead(site))


def test_the_site_loads_nothing_from_elsewhere(site: dict[Path, BeautifulSoup]) -> None:
    nodes = [node for html in site.values() for node in html.select(LOADED)]
    loaded = [str(node.get("src") or node.get("href")) for node in nodes]
    assert loaded
    assert not [place for place in loaded if urlsplit(place).netloc]
    styles = min(site, key=lambda page: len(page.parts)).parent.glob("_static/**/*.css")
    assert not [style for style in styles if "url(http" in style.read_text(encoding="utf-8").replace('"', "")]


def test_a_dead_link_is_reported(tmp_path: Path) -> None:
    page, other = tmp_path / "page.md", tmp_path / "other.md"
    links = "[a](other.md#three-4) [b](#one-two) [c](other.md#four) [d](gone.md) [e](#gone)"
    page.write_text(f"# One two\n{links}")
    other.write_text("# Three: 4\n")
    dead = list(_dead({one: _markdown(one) for one in (page, other)}))
    assert dead == ["page.md: other.md#four", "page.md: gone.md", "page.md: #gone"]


def test_the_toctree_of_the_site_holds_every_page(site: dict[Path, BeautifulSoup]) -> None:
    index = site[min(site, key=lambda page: len(page.parts)).with_name("index.html")]
    listed = {str(node["href"]).removesuffix(".html") for node in index.select(".sidebar-tree a[href]")}
    names = {str(page.relative_to(ROOT / "docs").with_suffix("")) for page in DOCS}
    assert names - {"index"} <= listed
