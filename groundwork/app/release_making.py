"""What an app answers with right now, pinned into the manifest of a release."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundwork.core.digest import digest_json
from groundwork.core.errors import ConflictError, InvalidInputError
from groundwork.core.principal import Principal
from groundwork.releases.types import Manifest

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace
    from groundwork.core.settings import AppSpec

GIT_SECONDS = 5.0


def manifest_of(
    workspace: Workspace,
    principal: Principal,
    app: str,
    *,
    snapshot: str = "",
    evaluation: str = "",
    spec: AppSpec | None = None,
) -> Manifest:
    """Return the manifest of an app as it would answer now.

    Args:
        snapshot: a digest, its beginning or `head~1` of the app's index; empty: the head.
        evaluation: id of the evaluation that speaks for it; empty: the newest one of exactly these pins.
        spec: another spec than that of `groundwork.toml`, such as one a search has found.

    Raises:
        NotFoundError: no such app, snapshot or evaluation, or the index is empty.
        ConflictError: a document of the snapshot was erased.
        InvalidInputError: the evaluation is of something else.
    """
    from groundwork.releases import evidence

    chosen = spec or workspace.app_spec(app)
    workspace.index_spec(chosen.index)
    found = workspace.snapshot(chosen.index, snapshot or "head", principal)
    if found.redacted:
        raise ConflictError(
            f"a document of the snapshot `{found.id[:7]}` was erased since it was made",
            hint=f"ingest again and make the release of the new head of `{chosen.index}`",
        )
    owner = Principal(principal.tenant, principal.name, owner=True)
    pipeline = workspace.rooms.pipeline
    recipe = pipeline.recipe(owner, app, chosen).as_dict()
    pinned = {name: value for name, value in recipe.items() if name != "access"}
    manifest = Manifest(
        app=app,
        spec=chosen.model_dump(mode="json"),
        index=chosen.index,
        snapshot=found.id,
        prompt=_prompt(recipe, chosen),
        reader=str(recipe["reader"]),
        models=_models(workspace, recipe["model"]),
        policies={},
        threshold=float(recipe["threshold"]),
        calibration=str(recipe["calibration"] or ""),
        settings=digest_json(recipe),
        recipe=pinned,
        code=_code(workspace.root),
    )
    with workspace.rooms.database.read() as connection:
        spoken = evidence.of_manifest(connection, principal.tenant, manifest, evaluation)
    if evaluation and spoken is None:
        raise InvalidInputError(
            f"the evaluation `{evaluation[:60]}` is of other pins than those of `{app}` now",
            hint=f"evaluate what is to be released: `groundwork evaluate {app} --dataset NAME`",
        )
    return evidence.attached(manifest, spoken)


def _prompt(recipe: Mapping[str, Any], spec: AppSpec) -> str:
    table = recipe["model"]
    prompt = table.get("prompt") if isinstance(table, Mapping) else None
    return str(prompt or "") if prompt is not None else (spec.prompt or "")


def _models(workspace: Workspace, reader: Mapping[str, Any]) -> dict[str, Any]:
    """Return what serves each model that the reader asks: routes and fallbacks of a named one, else itself."""
    asked = reader.get("model", ())
    names = [asked] if isinstance(asked, str) else list(asked or ())
    return {str(name): routes_of(workspace, str(name)) for name in names if name}


def routes_of(workspace: Workspace, name: str) -> dict[str, Any]:
    """Return `{routes, fallbacks}` of a model as the spec has it now."""
    spec = workspace.spec.models.get(name)
    if spec is None:
        return {"routes": [{"model": name, "weight": 1.0}], "fallbacks": []}
    return {
        "routes": [{"model": route.model, "weight": route.weight} for route in spec.routes],
        "fallbacks": list(spec.fallbacks),
    }


def _code(root: Path) -> dict[str, Any]:
    from importlib.metadata import version

    code: dict[str, Any] = {"version": version("groundwork-ai")}
    commit = _git(root, "rev-parse", "--verify", "HEAD")
    if commit:
        changed = _git(root, "status", "--porcelain", "--untracked-files=no")
        code |= {"commit": commit, "dirty": bool(changed) or changed is None}
    return code


def _git(root: Path, *words: str) -> str | None:
    """Return what Git says of the workspace, None where it is not under Git or Git is not here.

    Nothing that the repository's own configuration names is run: no hooks, no monitor, no pager, no external diff.
    """
    quiet = (
        "-c",
        "core.fsmonitor=false",
        "-c",
        "core.hooksPath=/dev/null",
        "-c",
        "diff.external=",
        "--no-pager",
    )
    try:
        done = subprocess.run(
            ("git", *quiet, "-C", str(root), *words),
            capture_output=True,
            text=True,
            timeout=GIT_SECONDS,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
