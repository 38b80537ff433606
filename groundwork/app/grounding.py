"""Thresholds of domains in a workspace: `.groundwork/groundedness/NAME.json`, one small file each, without any text.

They are settings that were learned, not data of people: no answer or passage is in them, so nothing has to be erased.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from groundwork.app.config import DATA_FOLDER
from groundwork.core.errors import DamagedError, InvalidInputError, NotFoundError
from groundwork.evaluation.groundedness.detector import Detector, Embed
from groundwork.evaluation.groundedness.thresholds import Thresholds

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


def keep(workspace: Workspace, name: str, thresholds: Thresholds) -> Path:
    """Keep the thresholds of a domain, in the place of earlier ones, and return their file.

    Raises:
        InvalidInputError: the name has other characters than small letters, digits, `-` and `_`.
    """
    path = _path(workspace, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(thresholds.as_dict(), indent=1, allow_nan=False) + "\n"
    with tempfile.NamedTemporaryFile(
        "w", dir=path.parent, suffix=".part", delete=False, encoding="utf-8"
    ) as stream:
        stream.write(text)
    os.replace(stream.name, path)
    return path


def kept(workspace: Workspace, name: str) -> Thresholds:
    """Return the thresholds of a domain.

    Raises:
        NotFoundError: nothing was kept under the name.
        DamagedError: the file is not what `keep` writes.
    """
    path = _path(workspace, name)
    try:
        return Thresholds.from_dict(json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        known = ", ".join(domains(workspace)) or "none"
        raise NotFoundError(
            f"no thresholds are kept for `{name}`; there are: {known}",
            hint="`groundwork bench groundedness DIR --calibrate 100 --save NAME` makes them",
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedError(
            f"{path} holds no thresholds", hint="delete the file, and choose them anew"
        ) from error


def domains(workspace: Workspace) -> list[str]:
    """Return the names of the domains that thresholds are kept for, in order."""
    return sorted(p.stem for p in (workspace.root / DATA_FOLDER / "groundedness").glob("*.json"))


def detector(workspace: Workspace, domain: str = "", embed: Embed | None = None) -> Detector:
    """Return a detector with the thresholds of a domain, or the bundled ones where there is no name or nothing is kept.

    Raises:
        DamagedError: thresholds are kept and cannot be read, or hold for weights of another version.
    """
    if not domain or domain not in domains(workspace):
        return Detector(domain=domain or "default", embed=embed)
    found = Detector(thresholds=kept(workspace, domain), domain=domain, embed=embed)
    if found.thresholds is not None and found.thresholds.model != found.model.digest:
        raise DamagedError(
            f"the thresholds of `{domain}` hold for other weights than these",
            hint="choose them anew with `groundwork bench groundedness DIR --calibrate 100 --save "
            + f"{domain}`",
        )
    return found


def _path(workspace: Workspace, name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise InvalidInputError(
            f"`{name[:80]}` is no name of a domain",
            hint="use small letters, digits, `-` and `_`, such as `support-desk`",
        )
    return workspace.root / DATA_FOLDER / "groundedness" / f"{name}.json"
