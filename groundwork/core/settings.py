"""The typed settings and the app spec; where each value came from is kept beside it.

Order of precedence: argument, `GROUNDWORK_…` variable, `groundwork.toml`, default. Nothing here reads a file or the
environment; `app` does that once and hands the layers to `resolve`.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from groundwork.core.errors import SettingsError

PluginSpec = str | dict[str, Any]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]


class Settings(BaseModel):
    """How this installation runs. Each may be set as `GROUNDWORK_<NAME>` or at the top of `groundwork.toml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    database: str = Field("", description="SQLAlchemy URL of the database; empty: SQLite in the workspace.")
    blobs: str = Field(
        "", description="fsspec URL of the content-addressed files; empty: a folder of the workspace."
    )
    knowledge: str = Field(
        "", description="Folder in which indexes keep their files; empty: one in the workspace."
    )
    models: str = Field("", description="Folder of downloaded model weights; empty: the user's data folder.")
    host: str = Field(
        "127.0.0.1", description="Address the server binds; only loopback until accounts exist."
    )
    port: int = Field(8700, ge=0, le=65535, description="Port of the server; 0 picks a free one.")
    threads: int = Field(0, ge=0, le=256, description="Threads of the encoder; 0: all cores.")
    parser_workers: int = Field(2, ge=1, le=64, description="Child processes that read documents.")
    max_file_mib: int = Field(
        100, ge=1, le=4096, description="Files larger than this are quarantined, in MiB."
    )
    max_question_chars: int = Field(
        8000, ge=1, le=100_000, description="Longest question accepted, in characters."
    )
    lease_wait_seconds: float = Field(
        120.0, ge=0, description="How long a writer waits for another one to finish."
    )
    keep_snapshots: int = Field(
        0,
        ge=0,
        description="Snapshots kept per index after an ingest; 0: all. Answers of dropped ones are not replayable.",
    )

    @field_validator("knowledge")
    @classmethod
    def _is_a_folder(cls, value: str) -> str:
        if "://" in value:
            raise ValueError("indexes need a folder on a local disk; object storage is not supported yet")
        return value


class IndexSpec(BaseModel):
    """One index: how documents become chunks and vectors. Changing it makes a new index version, never a mixture."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    backend: str = Field("lance", description="Name of the index back end.")
    chunker: PluginSpec = Field(
        "structure", description="Name of the chunker, or a table with `name` and parameters."
    )
    embedder: PluginSpec = Field(
        "auto",
        description="Name of the embedder, or a table; `auto`: minilm where its weights are, else lsa; `none`: no vectors.",
    )
    analyzer: dict[str, Any] = Field(default_factory=dict, description="Parameters of the lexical analyzer.")
    exclude: tuple[str, ...] = Field((), description="Glob patterns of paths that ingest leaves out.")
    access: dict[str, list[str]] = Field(
        default_factory=dict,
        description="Access lists by glob pattern of the document's path; the last match wins; default: public.",
    )


class AppSpec(BaseModel):
    """One app: which index it asks, with which strategy, and who reads the passages."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    index: Name = Field("default", description="Name of the index it asks.")
    strategy: PluginSpec = Field(
        "hybrid", description="Name of the retriever, or a table with `name` and parameters."
    )
    model: PluginSpec = Field("extractive", description="Name of the reader; `extractive` works offline.")
    prompt: str | None = Field(
        None, description="Name of the prompt template; the extractive reader needs none."
    )
    passages: int = Field(8, ge=1, le=100, description="How many passages the reader sees.")
    threshold: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Confidence under which the app abstains; empty: the calibrated one, else the reader's default.",
    )
    risk: float = Field(
        0.2, gt=0, lt=1, description="Share of wrong answers that calibration aims to stay under."
    )


class Spec(BaseModel):
    """The content of `groundwork.toml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    settings: Settings = Field(default_factory=Settings, description="How this installation runs.")
    indexes: dict[Name, IndexSpec] = Field(
        default_factory=lambda: {"default": IndexSpec()}, description="The indexes by name."
    )
    apps: dict[Name, AppSpec] = Field(
        default_factory=lambda: {"default": AppSpec()}, description="The apps by name."
    )


Origin = Literal["argument", "environment", "groundwork.toml", "default"]


@dataclass(frozen=True)
class Layer:
    """Values from one place, as the nested mapping that `Spec` has."""

    origin: Origin
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Resolved:
    """The spec and, for every dotted key such as `settings.port`, where its value came from."""

    spec: Spec
    origins: Mapping[str, Origin]

    def rows(self) -> list[tuple[str, Any, Origin]]:
        """Return `(dotted key, value, origin)` of every value, sorted by key."""
        flat = _flatten(self.spec.model_dump(mode="json"))
        return [(key, value, self.origins.get(key, "default")) for key, value in sorted(flat.items())]


def resolve(layers: Sequence[Layer]) -> Resolved:
    """Merge layers, the first being strongest, and validate.

    Raises:
        SettingsError: an unknown key (the hint offers the nearest known one) or a value of the wrong kind; the message
            names the key, the value and where it came from.
    """
    merged: dict[str, Any] = {}
    origins: dict[str, Origin] = {}
    for layer in reversed(layers):
        _merge(merged, layer.values)
        origins.update(dict.fromkeys(_flatten(layer.values), layer.origin))
    for section in ("indexes", "apps"):
        if isinstance(merged.get(section), dict):
            merged[section].setdefault("default", {})
    try:
        return Resolved(Spec.model_validate(merged), origins)
    except ValidationError as error:
        raise _explain(error, origins) from error


def _explain(error: ValidationError, origins: Mapping[str, Origin]) -> SettingsError:
    first = error.errors()[0]
    path = [str(p) for p in first["loc"] if not str(p).startswith(("function-", "str", "dict["))]
    key = ".".join(path)
    origin = next((origins[k] for k in origins if k == key or k.startswith(key + ".")), "groundwork.toml")
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(path[-1], _known(path[:-1]), 1, 0.5)
        hint = f"did you mean `{near[0]}`?" if near else f"known keys: {', '.join(_known(path[:-1]))}"
        return SettingsError(f"unknown key `{key}` in {origin}", hint=hint, key=key)
    said = str(first["msg"]).removeprefix("Value error, ")
    return SettingsError(
        f"the value {first.get('input')!r} of `{key}` in {origin} does not fit: {said}",
        hint="`groundwork settings` shows every value with its origin; `groundwork schema` what is allowed",
        key=key,
    )


def _known(path: Sequence[str]) -> list[str]:
    sections: dict[str, type[BaseModel]] = {"settings": Settings, "indexes": IndexSpec, "apps": AppSpec}
    model: type[BaseModel] = Spec
    for part in path:
        model = sections.get(part, model)
    if len(path) == 1 and path[0] in ("indexes", "apps"):
        return []
    # At the top of the file a setting may stand without its section.
    return sorted({*model.model_fields, *(Settings.model_fields if not path else ())})


def _merge(into: dict[str, Any], values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        if isinstance(value, Mapping) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = _copy(value)


def _copy(value: Any) -> Any:
    return {k: _copy(v) for k, v in value.items()} if isinstance(value, Mapping) else value


def _flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            flat.update(_flatten(value, f"{name}."))
        else:
            flat[name] = value
    return flat
