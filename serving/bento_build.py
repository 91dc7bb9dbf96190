"""Builds a BentoML model and its Bento into BENTOML_HOME; a subprocess of `ripple.serving.package`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import bentoml

DESCRIPTION = """Ripple predicts the network value of customers: the revenue of others that would not have
come without them. This Bento serves the model `{model}` and the feature snapshot packed with it.
"""


def build(publication: Path, model: str, bento: str, requirements: list[str]) -> None:
    """Store *publication* as *model*, and the code in the working directory as *bento*, tied to it."""
    model_tag, bento_tag = bentoml.Tag.from_str(model), bentoml.Tag.from_str(bento)
    with bentoml.models.create(model_tag) as stored:
        shutil.copytree(publication, stored.path_of("publication"))
    bentoml.bentos.build(
        "ripple.serving.service:RippleService",
        name=bento_tag.name,
        version=bento_tag.version,
        description=DESCRIPTION.format(model=model),
        # the service asks only for the name, and by this alias gets this version, whatever else is stored
        models=[{"tag": model, "alias": model_tag.name}],
        python={"packages": requirements, "lock_packages": False},
    )


if __name__ == "__main__":
    build(Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:])
