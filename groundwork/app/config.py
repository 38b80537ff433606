"""Read `groundwork.toml` and the environment, once, into resolved settings."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from groundwork.core.errors import NoWorkspaceError, SettingsError
from groundwork.core.settings import Layer, Resolved, Settings, resolve

SPEC_FILE = "groundwork.toml"
DATA_FOLDER = ".groundwork"
PREFIX = "GROUNDWORK_"

NEW_SPEC = """\
# The spec of this workspace. `groundwork settings` shows every value with its origin, `groundwork schema` what is allowed.

[indexes.default]
# embedder = "minilm"      # auto: minilm where its weights are, else lsa, fitted on your documents
# chunker = "structure"
# exclude = ["drafts/*"]
# access = { "hr/*" = ["group:hr"] }

[apps.default]
index = "default"
# strategy = "hybrid"      # lexical, dense, hybrid, hybrid_rm3, mmr, neighbours, parent
# model = "extractive"     # quotes sentences verbatim; needs no key and no network
# threshold = 0.5          # abstain under this confidence; `groundwork calibrate` finds one with a guarantee

# A language model for generated answers, and for every client of this gateway; `groundwork model list` finds local servers.
# [providers.openai]
# base_url = "https://api.openai.com/v1"
# key = "env:OPENAI_API_KEY"
# [apps.written]
# model = "openai/gpt-5-mini"

# What has to be shown before a release is served: `groundwork dataset import`, then `groundwork gate`.
# [gates.default]
# dataset = "golden"
# guards = [{ metric = "p95(latency)", margin = 0.2, relative = true }]
# [environments.production]
# gate = "default"
"""


def find_root(start: Path) -> Path:
    """Return the nearest directory from `start` upward that holds `groundwork.toml`.

    Raises:
        NoWorkspaceError: there is none up to the root of the file system.
    """
    start = start.absolute()
    for folder in (start, *start.parents):
        if (folder / SPEC_FILE).is_file():
            return folder
    raise NoWorkspaceError(
        f"there is no workspace in {start} or above it", hint="make one with `groundwork init`"
    )


def read_config(
    root: Path, environment: Mapping[str, str] | None = None, arguments: Mapping[str, Any] | None = None
) -> Resolved:
    """Return the resolved spec of the workspace at `root`.

    Top-level keys of the file that are names of settings count as `settings.<name>`; unknown variables that begin with
    `GROUNDWORK_` are ignored, since other programs may own them. What labs add (`labs/*/groundwork.toml`) is merged in.

    Raises:
        SettingsError: the file is not valid TOML, or a value does not fit.
    """
    values = read_own(root)
    known = set(Settings.model_fields)
    # A table of that name is the section of the spec: `[models.fast]` is no folder of weights.
    settings = {k: values.pop(k) for k in list(values) if k in known and not isinstance(values[k], dict)}
    if settings:
        values["settings"] = {**values.get("settings", {}), **settings}
    from groundwork.app.lab_parts import read_parts

    parts = read_parts(root, values)
    resolved = resolve(
        [
            Layer("argument", {"settings": dict(arguments)} if arguments else {}),
            Layer(
                "environment",
                {"settings": _from_environment(os.environ if environment is None else environment, known)},
            ),
            Layer("groundwork.toml", values),
            Layer("lab", parts.values),
        ]
    )
    return replace(resolved, left_out=parts.left_out)


def read_own(root: Path) -> dict[str, Any]:
    """Return the tables of the workspace's own `groundwork.toml` as they stand there, without what labs add.

    Raises:
        SettingsError: the file is not valid TOML.
    """
    path = root / SPEC_FILE
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{SPEC_FILE} is not valid TOML: {error}", hint=f"mend {path}") from error


def _from_environment(environment: Mapping[str, str], known: set[str]) -> dict[str, str]:
    return {
        name: environment[PREFIX + name.upper()]
        for name in sorted(known)
        if PREFIX + name.upper() in environment
    }
