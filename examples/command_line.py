"""The command line of a conversion: a folder of files as they were published into one that Ripple reads."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping


def run(
    parser: argparse.ArgumentParser,
    missing: Callable[[argparse.Namespace], str],
    convert: Callable[[argparse.Namespace], Mapping[str, int]],
) -> int:
    """Convert and print how many rows each table has; 2 when the source or the folder to make will not do.

    Args:
        parser: has the arguments `source` and `out`, both paths.
        missing: the files that the source lacks, in words.
        convert: makes the folder, and returns its tables with their numbers of rows.
    """
    options = parser.parse_args()
    if lacking := missing(options):
        print(f"{options.source} lacks {lacking}.", file=sys.stderr)
        return 2
    if options.out.exists():
        print(f"{options.out} exists already: choose a folder that does not.", file=sys.stderr)
        return 2
    for name, rows in convert(options).items():
        print(f"{name:<22} {rows:>8,} rows")
    return 0
