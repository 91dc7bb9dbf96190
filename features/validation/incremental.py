"""What an earlier check of a dataset found in order, so that only the files that came since are checked.

Rules tell of single rows, of rows beside others of their group, or of customers who are not known. So where
files were only added, whatever broke none of them can do so now only in the company of an added row.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path

from ripple import atomic
from ripple.features.tables.tables import Tables


@dataclass(frozen=True)
class Checked:
    """Files of which no row broke a rule, and what was learnt of them.

    Attributes:
        rules: digest of the rules, and of what the tables look like.
        end: of the data, after which nothing may have happened.
        files: by table and path, the digest of each file.
        rows: by table.
        days: events by day, of all tables.
    """

    rules: str
    end: datetime
    files: Mapping[str, Mapping[str, str]]
    rows: Mapping[str, int]
    days: Counter[date]

    def added(self, tables: Tables) -> dict[str, list[str]]:
        """By table, the paths of the files that are not among these; for *tables* of which this `holds`."""
        return {
            name: [path for path in files.digests if path not in self.files[name]]
            for name, files in tables.files.items()
        }

    def holds(self, rules: str, tables: Tables) -> bool:
        """Whether *tables*, all in files, are these and perhaps others, and the *rules* are the same."""
        digests = {name: files.digests for name, files in tables.files.items()}
        return (
            rules == self.rules
            and digests.keys() == self.files.keys()
            and all(own.items() <= digests[name].items() for name, own in self.files.items())
        )

    def write(self, folder: Path) -> None:
        """Leave it in *folder*, in place of what is there."""
        held = asdict(self) | {
            "end": self.end.isoformat(),
            "days": {day.isoformat(): count for day, count in self.days.items()},
        }
        with atomic.file(_place(folder)) as building:
            building.write_text(json.dumps(held), encoding="utf-8")


NOTHING = Checked("", datetime.min, {}, {}, Counter())


def left_in(folder: Path) -> Checked | None:
    """What was left in *folder*, if anything was."""
    if not _place(folder).exists():
        return None
    held = json.loads(_place(folder).read_text(encoding="utf-8"))
    days = Counter({date.fromisoformat(day): count for day, count in held["days"].items()})
    return Checked(**held | {"end": datetime.fromisoformat(held["end"]), "days": days})


def _place(folder: Path) -> Path:
    return folder / "checked.json"
