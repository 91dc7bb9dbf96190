"""Asks for known vulnerabilities of everything Ripple installs, where an advisory service can be reached.

Exits with 1 if there are any; where nobody could be asked it says so, and exits with 0.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

BIN = Path(sys.executable).parent
SERVICES = ("pypi", "osv")


def main() -> int:
    """Audit the locked requirements with each service until one knows them."""
    with tempfile.TemporaryDirectory() as folder:
        requirements = Path(folder) / "requirements.txt"
        export = ["export", "--frozen", "--quiet", "--no-dev", "--all-extras", "--no-emit-project"]
        subprocess.run([BIN / "uv", *export, "--output-file", requirements], check=True)
        for service in SERVICES:
            packages = _query(service, requirements)
            if packages:
                return _report(service, packages)
    print("audit: no advisory service was reached, so nothing is known of vulnerabilities")
    return 0


def _query(service: str, requirements: Path) -> list[dict[str, object]]:
    """What *service* reports of every requirement it knows; nothing if it was not reached."""
    report = requirements.with_suffix(f".{service}.json")
    options = ["--disable-pip", "--progress-spinner=off", "--timeout=5", "--format=json"]
    command: list[str | Path] = [BIN / "pip-audit", "-r", requirements, "-s", service, "-o", report, *options]
    try:
        subprocess.run(command, capture_output=True, timeout=180, check=False)
        packages = json.loads(report.read_text(encoding="utf-8"))["dependencies"]
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return []
    return [package for package in packages if "skip_reason" not in package]


def _report(service: str, packages: list[dict[str, object]]) -> int:
    vulnerable = [package for package in packages if package["vulns"]]
    print(f"audit: {service} knows {len(packages)} of the packages, {len(vulnerable)} of them vulnerable")
    for package in vulnerable:
        print(f"audit: {package['name']} {package['version']}: {package['vulns']}")
    return 1 if vulnerable else 0


if __name__ == "__main__":
    sys.exit(main())
