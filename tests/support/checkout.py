"""Where the checkout is: pages, benchmarks and other files that are not installed."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
