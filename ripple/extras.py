"""Optional parts of the installation, and what to install where one is missing."""

from __future__ import annotations

EXTRAS = {
    "train": (
        *("duckdb", "ibis", "jinja2", "lightgbm", "matplotlib", "mlflow", "networkit", "numpy", "pandas"),
        *("pyarrow", "scipy", "shap", "sklearn", "threadpoolctl"),
    ),
    "serve": ("bentoml", "msgspec", "packaging", "prometheus_client", "redis"),
    "spark": ("pyspark",),
    "postgres": ("adbc_driver_manager", "adbc_driver_postgresql"),
    "tune": ("optuna",),
}
"""The packages that each extra brings."""


def missing_extra(error: ModuleNotFoundError) -> str | None:
    """What to install so that the module of *error* is found; None if no extra brings it."""
    top = (error.name or "").partition(".")[0]
    for extra, packages in EXTRAS.items():
        if top in packages:
            return (
                f"This needs {top}, which the extra '{extra}' brings: pip install 'ripple[{extra}]' "
                f"(in a checkout: uv sync --extra {extra})."
            )
    return None
