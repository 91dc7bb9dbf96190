"""Takes the README's picture of the champion's report: `make screenshot`."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from ripple import settings

PICTURE = Path(__file__).parent / "report.png"


def main() -> int:
    """Open the newest report in Chromium and photograph its first screen; 2 without a browser or a report."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    reports = sorted(
        (settings.load().home / "reports").glob("ripple-*.html"), key=lambda file: file.stat().st_mtime
    )
    if not chromium or not reports:
        sys.stderr.write("Needs Chromium (apt-get install chromium) and a report (make train).\n")
        return 2
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 1220})
        page.goto(reports[-1].absolute().as_uri())
        page.screenshot(path=PICTURE)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
