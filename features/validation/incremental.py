"""The files that an earlier check found valid, so that only the files that came since are checked.

A rule looks at single rows, at rows with others of their group, or for customers who are not known. So
where files were only added, a row that broke no rule can break one now only by an added row of its group.
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
class ValidatedFiles:
    """Files in which no row broke a rule, and what the check counted in them.

    Attributes:
        rules: digest of the rules and of the schemas of the tables.
        end: the end of the data, after which nothing may have happened.
        files: by table and path, the digest of each file.
        rows: by table, the number of rows.
        days: the number of events by day, of all tables.
    """

    rules: str
    end: datetime
    files: Mapping[str, Mapping[str, str]]
    rows: Mapping[str, int]
    days: Counter[date]

    def added_files(self, tables: Tables) -> dict[str, list[str]]:
        """By table, the paths of the files that are not among these; for *tables* that these `covers`."""
        return {
            name: [path for path in files.digests if path not in self.files[name]]
            for name, files in tables.files.items()
        }

    def covers(self, rules: str, tables: Tables) -> bool:
        """Whether the files of *tables* are these and perhaps others, and the *rules* are the same."""
        digests = {name: files.digests for name, files in tables.files.items()}
        return (
            rules == self.rules
            and digests.keys() == self.files.keys()
            and all(known.items() <= digests[name].items() for name, known in self.files.items())
        )

    def write(self, folder: Path) -> None:
        """Write this to *folder*, in place of what is there."""
        content = asdict(self) | {
            "end": self.end.isoformat(),
            "days": {day.isoformat(): count for day, count in self.days.items()},
        }
        with atomic.file(_path(folder)) as building:
            building.write_text(json.dumps(content), encoding="utf-8")


NO_FILES = ValidatedFiles("", datetime.min, {}, {}, Counter())


def read_validated_files(folder: Path) -> ValidatedFiles | None:
    """The files that the last check without findings recorded in *folder*, if there is one."""
    if not _path(folder).exists():
        return None
    content = json.loads(_path(folder).read_text(encoding="utf-8"))
    days = Counter({date.fromisoformat(day): count for day, count in content["days"].items()})
    return ValidatedFiles(**content | {"end": datetime.fromisoformat(content["end"]), "days": days})


def _path(folder: Path) -> Path:
    return folder / "checked.json"
