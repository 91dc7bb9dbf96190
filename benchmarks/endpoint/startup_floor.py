"""A service of BentoML that does nothing: the floor of `startup_cost`, which needs BentoML alone."""

from __future__ import annotations

import bentoml


@bentoml.service(name="floor", traffic={"timeout": 5})
class Floor:
    """Answers with a constant."""

    @bentoml.api
    def score(self) -> float:
        """Return the constant."""
        return 1.0
