"""A service of BentoML that does nothing: what starting one takes at least."""

from __future__ import annotations

import bentoml


@bentoml.service(name="floor", traffic={"timeout": 5})
class Floor:
    """Answers with a constant."""

    @bentoml.api
    def score(self) -> float:
        """The constant."""
        return 1.0
