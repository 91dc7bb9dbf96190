"""Packing a model and its snapshot into a Bento, and serving a Bento.

Both run in subprocesses: building a Bento imports the service from the folder that it is built from, and
BentoML reads BENTOML_HOME only once in a process.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from importlib.metadata import distributions, requires
from importlib.metadata import version as installed
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import ripple
from ripple.serving.options import PREFIX, Options

if TYPE_CHECKING:
    import bentoml

MODEL = "ripple"
# not "ripple": `bentoml serve NAME:VERSION` first tries to import NAME, and would find this package
BENTO = "ripple-service"
CODE = (
    *("__init__.py", "atomic.py", "environment.py", "locks.py", "redaction.py", "suggestions.py"),
    *("models", "serving"),
)
"""The files and folders of Ripple that a Bento holds."""
# what those import, and SciPy, which LightGBM imports
REQUIREMENTS = (
    *("lightgbm", "scipy", "numpy", "pandas", "pyarrow", "pydantic", "pydantic-settings", "msgspec"),
    *("redis", "hiredis", "httpx", "prometheus-client", "uvicorn", "uvloop", "httptools"),
)
EXTRAS = ("opentelemetry-exporter-otlp-proto-http",)
"""What a Bento requires if it is installed where the Bento is made."""
FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def package(source: Path, version: str) -> bentoml.Tag:
    """Pack the ``bundle/`` and ``snapshot.parquet`` in *source* as a Bento that needs nothing else.

    Versions are *version* and a hash of what is packed, so packing the same again changes nothing; either way
    the store's ``latest`` is this one afterwards. An item appears in BENTOML_HOME complete or not at all.

    Args:
        source: The folder; only those two are read, and ``plays.csv`` and ``influence.parquet`` if there.
        version: Version of the registered model, such as "3".

    Raises:
        FileNotFoundError, FeatureMismatch, SnapshotError, PublicationError: *source* cannot be served.
        RuntimeError: BentoML did not build it; its log is the message.
    """
    from ripple.serving.publications.publication import write_publication

    pins = _pinned_requirements()
    root = Path(ripple.__file__).parent
    code = _digest(root, [file for name in CODE for file in _sources(root / name)])
    home = _home()
    (home / "tmp").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="package-", dir=home / "tmp") as temporary:
        staging = Path(temporary)
        (staging / "publication").mkdir()
        model_version = write_publication(staging / "publication", source, version)
        label, _, content = model_version.partition("-")
        bento_version = f"{label}-{_hash([content, code, installed('bentoml'), *pins])[:12]}"
        bento, model = home / "bentos" / BENTO / bento_version, home / "models" / MODEL / model_version
        if not (bento.is_dir() and model.is_dir()):
            _build(staging, root, f"{MODEL}:{model_version}", f"{BENTO}:{bento_version}", pins)
        for item in (model, bento):
            _move_into_store(staging / "home" / item.relative_to(home), item, staging)

    from bentoml import Tag

    return Tag(BENTO, bento_version)


def set_options(host: str = "127.0.0.1", store: str = "", workers: int | None = None) -> Options:
    """Set the environment variables of `ripple.serving.options` for what this process serves, and read them.

    Args:
        host: IP address to listen on; 0.0.0.0 opens the service, its metrics and its page to the network.

    Raises:
        ValueError: an option is invalid, or anybody on the network could ask without a key.
    """
    variables = {"HOST": host, "STORE": store, "WORKERS": str(workers or "")}
    os.environ.update({PREFIX + name: value for name, value in variables.items() if value})
    options = Options.load()
    if options.store is not None and "://" not in options.store:
        # workers run in the folder of the Bento
        os.environ[f"{PREFIX}STORE"] = str(Path(options.store).absolute())
    if options.exposed():
        raise ValueError(
            f"{host} is open to the network, and nobody would need a key. Make one with `ripple key` and set "
            f"{PREFIX}KEYS to its hash; or let everybody in with {PREFIX}OPEN=1; or listen on 127.0.0.1."
        )
    return options


def serve(tag: bentoml.Tag | str, port: int = 3000) -> int:
    """Serve a Bento with the options set until it ends or a signal ends it, and return its exit code.

    The server has a process group of its own and signals are forwarded, so that they reach it once.
    """
    host = os.environ[PREFIX + "HOST"]
    program = str(Path(sys.executable).parent / "bentoml")
    command = [program, "serve", str(tag), "--host", host, "--port", str(port)]
    with tempfile.TemporaryDirectory(prefix="ripple-serve-") as server_home:
        # BentoML counts requests in files of its home, which another server of the same home would empty
        for name in ("bentos", "models"):
            (_home() / name).mkdir(parents=True, exist_ok=True)
            (Path(server_home) / name).symlink_to(_home() / name)
        server = subprocess.Popen(command, env=_environment(Path(server_home)), process_group=0)

        def forward(number: int, frame: FrameType | None) -> None:
            server.send_signal(number)

        previous = {number: signal.signal(number, forward) for number in FORWARDED}
        try:
            code = server.wait()
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
    return code if code >= 0 else 128 - code


def serve_in_place(tag: bentoml.Tag | str, port: int) -> NoReturn:
    """`serve` in place of this process, so that what packaging imported, such as MLflow, takes no memory."""
    sys.stdout.flush()
    sys.stderr.flush()
    # -P: the folder in which a user works is none of modules
    os.execv(sys.executable, [sys.executable, "-P", "-m", __name__, str(tag), str(port)])


def _pinned_requirements() -> list[str]:
    """The versions installed here of `REQUIREMENTS` and of all that these require.

    BentoML is left out, as it pins itself.
    """
    extras: dict[str, set[str]] = {}
    extras_here = [name for name in EXTRAS if any(distributions(name=name))]
    queue = [Requirement(name) for name in (*REQUIREMENTS, *extras_here, "bentoml")]
    while queue:
        requirement = queue.pop()
        name = canonicalize_name(requirement.name)
        if name in extras and requirement.extras <= extras[name]:
            continue
        selected = extras.setdefault(name, set())
        selected |= requirement.extras
        needed = map(Requirement, requires(name) or [])
        queue += [requirement for requirement in needed if _marker_applies(requirement.marker, selected)]
    return sorted(f"{name}=={installed(name)}" for name in extras if name != "bentoml")


def _marker_applies(marker: Marker | None, extras: Iterable[str]) -> bool:
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras))


def _build(staging: Path, root: Path, model: str, bento: str, pins: list[str]) -> None:
    """Build model and Bento in a temporary store, from a folder that holds only a copy of `CODE`."""
    context = staging / "context"
    for name in CODE:
        for file in _sources(root / name):
            copy = context / "ripple" / file.relative_to(root)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, copy)
    built = subprocess.run(
        [sys.executable, "-m", "ripple.serving.bento_build", staging / "publication", model, bento, *pins],
        cwd=context,
        env=_environment(staging / "home"),
        capture_output=True,
        text=True,
    )
    if built.returncode:
        raise RuntimeError(f"Building {bento} failed:\n{built.stderr}")


def _sources(place: Path) -> list[Path]:
    return sorted(place.rglob("*.py")) if place.is_dir() else [place]


def _move_into_store(staged: Path, item: Path, staging: Path) -> None:
    item.parent.mkdir(parents=True, exist_ok=True)
    if not item.is_dir():
        staged.rename(item)
    latest = staging / "latest"
    latest.write_text(item.name, encoding="utf-8")
    latest.replace(item.parent / "latest")


def _home() -> Path:
    return Path(os.environ.get("BENTOML_HOME", Path.home() / "bentoml")).expanduser().resolve()


def _environment(home: Path) -> dict[str, str]:
    # only "True" counts: BentoML's library reads "1" as no
    return os.environ | {"BENTOML_HOME": str(home), "BENTOML_DO_NOT_TRACK": "True"}


def _digest(folder: Path, files: Iterable[Path]) -> str:
    parts: list[str] = []
    for file in sorted(files):
        with file.open("rb") as stream:
            parts += [file.relative_to(folder).as_posix(), hashlib.file_digest(stream, "sha256").hexdigest()]
    return _hash(parts)


def _hash(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


if __name__ == "__main__":
    sys.exit(serve(sys.argv[1], int(sys.argv[2])))
