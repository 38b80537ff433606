"""The typed settings and the app spec; where each value came from is kept beside it.

Order of precedence: argument, `GROUNDWORK_…` variable, `groundwork.toml`, default. Nothing here reads a file or the
environment; `app` does that once and hands the layers to `resolve`.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from groundwork.core.errors import SettingsError
from groundwork.core.improvement import DEFAULT_ENVIRONMENTS, EnvironmentSpec, GateSpec, JudgeSpec

PluginSpec = str | dict[str, Any]


def _listed(value: Any) -> Any:
    """A list of words may be written as one text with commas, as in a variable of the environment."""
    return tuple(w.strip() for w in value.split(",") if w.strip()) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_listed)]
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
        "127.0.0.1",
        description="Address the server binds; other than loopback needs sign-in and TLS, or a proxy that has it.",
    )
    port: int = Field(8700, ge=0, le=65535, description="Port of the server; 0 picks a free one.")
    sign_in: Literal["required", "off"] = Field(
        "required",
        description="`off`: whoever reaches the server from this machine is its owner; for loopback addresses only.",
    )
    hosts: Names = Field(
        (), description="Further names the server answers to in `Host`, without port; loopback's are known."
    )
    origins: Names = Field(
        (),
        description="Origins of other sites whose pages may send requests, such as `https://intranet.example`.",
    )
    public_url: str = Field(
        "",
        description="Where people reach the server when that is not where it binds, such as `https://gw.example`.",
    )
    tls_certificate: str = Field(
        "", description="PEM file of the certificate with its chain; empty: plain HTTP."
    )
    tls_key: str = Field("", description="PEM file of the certificate's key.")
    behind_proxy: bool = Field(
        False, description="A proxy with TLS stands before the server; needs `public_url`."
    )
    trusted_proxies: Names = Field(
        ("127.0.0.1", "::1"),
        description="Addresses or networks of proxies whose word on who asks counts, with `behind_proxy`.",
    )
    session_days: float = Field(7.0, gt=0, le=366, description="A sign-in lasts this many days at most.")
    session_idle_hours: float = Field(
        12.0, gt=0, le=24 * 366, description="A sign-in that is not used ends after so many hours."
    )
    password_min_chars: int = Field(
        15,
        ge=8,
        le=128,
        description="Least characters of a password (NIST SP 800-63B-4: 15; 8 beside a second factor).",
    )
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

    gateway_keys: Literal["auto", "required"] = Field(
        "auto",
        description="`auto`: callers from this machine need no API key until the first one is made; `required`: always.",
    )
    gateway_sync: Literal["full", "normal"] = Field(
        "normal",
        description="A settled call is safe from a killed process at once, from a loss of power at once too (`full`) or "
        "within a second (`normal`).",
    )
    max_request_mib: int = Field(
        20, ge=1, le=512, description="Largest body of a gateway request, in MiB; images count."
    )
    call_deadline_s: float = Field(
        120.0,
        gt=0,
        le=3600,
        description="Seconds after which a model call has failed, retries and fallbacks included.",
    )
    call_attempts: int = Field(3, ge=1, le=10, description="Attempts at one route before the next fallback.")
    assumed_output_tokens: int = Field(
        1024, ge=1, description="Output tokens that are reserved for where a call names no maximum."
    )
    cache_days: float = Field(
        30.0, ge=0, description="How long a cached completion is kept, in days; 0 turns the cache off."
    )
    budget_day_usd: float | None = Field(
        None, ge=0, description="What all model calls of the workspace may cost in a day (UTC)."
    )
    budget_month_usd: float | None = Field(
        None, ge=0, description="What all model calls of the workspace may cost in a month (UTC)."
    )

    capture: Literal["on", "masked", "off"] = Field(
        "on",
        description="Texts of prompts and outputs in traces: kept (`on`), without personal data (`masked`), or not (`off`). "
        "Secrets are masked always.",
    )
    telemetry_days: int = Field(
        30, ge=1, le=36_500, description="How long traces are kept after their last span came, in days."
    )
    telemetry_max_gib: float = Field(
        10.0, gt=0, description="Size of all kept traces together, in GiB; the oldest are dropped first."
    )
    archive_days: int = Field(
        365, ge=1, le=36_500, description="How long closed hours of spans are kept as Parquet, in days."
    )
    archive_max_gib: float = Field(
        20.0, gt=0, description="Size of all archived spans together, in GiB; the oldest are dropped first."
    )
    environment: str = Field(
        "production",
        pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$",
        description="The environment this installation serves: an app answers from the release that stands there.",
    )
    log_format: Literal["text", "json"] = Field(
        "text", description="Form of the server's log on stderr: lines for people, or one JSON object a line."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info",
        description="Least level of what the server logs; `info` has a line for each request, `debug` also for model calls.",
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
    model: PluginSpec = Field(
        "extractive",
        description="Who answers: a model, as `provider/model` or a name of `[models]`; `extractive` quotes offline.",
    )
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
    context_tokens: int = Field(
        3000, ge=200, le=1_000_000, description="Tokens of passages that a generating model is shown."
    )
    max_output_tokens: int = Field(600, ge=16, le=100_000, description="Longest generated answer, in tokens.")
    unsupported: Literal["remove", "mark"] = Field(
        "remove",
        description="Sentences of a model that no checked quote supports: left out, or shown and marked.",
    )
    fallback: Literal["extractive", "none"] = Field(
        "extractive", description="Who answers when no model does: the extractive reader, or nobody."
    )
    cascade: tuple[str, ...] = Field(
        (),
        description="Models, cheap first; the next one is asked when the answer's confidence is under `escalate_below`.",
    )
    escalate_below: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Confidence under which a cascade goes on; empty: the calibrated one, else .5.",
    )
    budget_day_usd: float | None = Field(
        None, ge=0, description="What the app's model calls may cost in a day (UTC)."
    )
    budget_month_usd: float | None = Field(
        None, ge=0, description="What the app's model calls may cost in a month (UTC)."
    )
    capture: Literal["on", "masked", "off"] | None = Field(
        None, description="Overrides the setting `capture` for the traces of this app."
    )


class PriceSpec(BaseModel):
    """What a model costs, in USD per million tokens."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: float = Field(ge=0, description="Per million tokens read.")
    output: float = Field(0.0, ge=0, description="Per million tokens written.")
    cached_input: float | None = Field(
        None, ge=0, description="Per million tokens read from the provider's cache."
    )
    cache_write: float | None = Field(
        None, ge=0, description="Per million tokens written to the provider's cache."
    )


class ServedSpec(BaseModel):
    """What is known of a model of a provider; what is left out is looked up in the bundled price list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["chat", "embedding"] = Field("chat", description="What it serves.")
    context_tokens: int | None = Field(None, ge=1, description="Longest prompt and output together.")
    max_output_tokens: int | None = Field(None, ge=1, description="Longest output.")
    price: PriceSpec | None = Field(None, description="Overrides the bundled price list.")
    tokenizer: str = Field(
        "", description="Path of a `tokenizer.json`, relative to the workspace; empty: tokens are estimated."
    )
    dimensions: int | None = Field(None, ge=1, description="Dimension of the vectors of an embedding model.")


class ProviderSpec(BaseModel):
    """One provider: where models are served and with which key. Only the operator's files say so, never a request."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str = Field("openai_compatible", description="Name of the provider plug-in.")
    base_url: str = Field(
        "", description="Where it is served, with its path, such as `https://api.openai.com/v1`."
    )
    key: str = Field(
        "", description="Where its key is: `env:NAME`, or `secret:NAME` (see `groundwork model secret`)."
    )
    auth: Literal["bearer", "api-key", "x-api-key", "none"] = Field(
        "bearer", description="How the key is sent; Azure OpenAI takes `api-key`."
    )
    headers: dict[str, str] = Field(default_factory=dict, description="Further headers, none of them secret.")
    query: dict[str, str] = Field(
        default_factory=dict, description="Parameters of every address, such as `api-version`."
    )
    models: dict[str, ServedSpec] = Field(
        default_factory=dict, description="Its models; empty: what it lists itself is offered."
    )
    options: dict[str, Any] = Field(default_factory=dict, description="Further parameters of the plug-in.")

    @field_validator("key")
    @classmethod
    def _is_a_reference(cls, value: str) -> str:
        if value and not value.startswith(("env:", "secret:")):
            raise ValueError("a key does not belong into this file; name it `env:NAME` or `secret:NAME`")
        return value


class RouteSpec(BaseModel):
    """One way to serve a named model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = Field(description="`provider/model`.")
    weight: float = Field(1.0, gt=0, description="Share of the calls among the routes.")


class ModelSpec(BaseModel):
    """A model under a name of one's own: routes by weight, then fallbacks in order."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    routes: tuple[RouteSpec, ...] = Field(min_length=1, description="Who serves it, by weight.")
    fallbacks: tuple[str, ...] = Field((), description="Asked in this order when the route fails.")
    deadline_s: float | None = Field(None, gt=0, description="Overrides `call_deadline_s`.")
    attempts: int | None = Field(None, ge=1, le=10, description="Overrides `call_attempts`.")
    hedge_after_ms: float | None = Field(
        None, gt=0, description="Ask a second time when nothing came after so long; empty: never."
    )
    deterministic: bool = Field(
        False, description="Declares that equal requests may be answered from the cache."
    )


class OidcSpec(BaseModel):
    """Sign-in by OpenID Connect: who is asked, and what their claims mean here."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: str = Field(
        description="The provider's issuer, as its discovery document has it, such as `https://id.example`."
    )
    client_id: str = Field(min_length=1, description="What the provider calls this installation.")
    client_secret: str = Field(
        "", description="Where the client's secret is: `env:NAME` or `secret:NAME`; empty: a public client."
    )
    title: str = Field("", description="What the button on the sign-in page says; empty: the issuer's host.")
    scopes: Names = Field(("openid", "email", "profile"), description="Scopes that are asked for.")
    name_claim: str = Field(
        "email", description="Claim that becomes the name of a user; `email` must be verified."
    )
    roles_claim: str = Field(
        "groups", description="Claim with the words that `roles` maps; dots lead into objects."
    )
    roles: dict[str, Literal["viewer", "builder", "operator", "admin"]] = Field(
        default_factory=dict, description="Role by word of that claim; the highest counts, at every sign-in."
    )
    default_role: Literal["", "viewer", "builder", "operator", "admin"] = Field(
        "", description="Role of who has none of these words; empty: they are not let in."
    )
    allowed_domains: Names = Field(
        (), description="Domains of verified e-mail addresses that are let in; empty: every one."
    )
    tenant: str = Field("default", description="Workspace that new users become members of.")

    @field_validator("issuer")
    @classmethod
    def _is_an_issuer(cls, value: str) -> str:
        parts = urlsplit(value)
        local = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")
        if not (parts.hostname and (parts.scheme == "https" or local)) or parts.query or parts.fragment:
            raise ValueError("an issuer is an https address; plain http only on this machine")
        return value

    @field_validator("client_secret")
    @classmethod
    def _is_a_reference(cls, value: str) -> str:
        if value and not value.startswith(("env:", "secret:")):
            raise ValueError("a secret does not belong into this file; name it `env:NAME` or `secret:NAME`")
        return value

    @model_validator(mode="after")
    def _lets_somebody_in(self) -> OidcSpec:
        if not self.roles and not self.default_role:
            raise ValueError(
                "nobody would be let in: map words of the claim to `roles`, or set `default_role`"
            )
        return self


class ExportSpec(BaseModel):
    """Where spans are handed on to by OTLP over HTTP; what waits is kept in the store until the target has taken it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(
        "", description="Address of the target, such as `http://127.0.0.1:4318/v1/traces`; empty: no export."
    )
    headers: dict[str, str] = Field(
        default_factory=dict, description="Headers by name; each value is `env:NAME` or `secret:NAME`."
    )
    allow_http: bool = Field(
        False, description="Send the headers also without encryption to a host that is not this machine."
    )
    protocol: Literal["http/protobuf", "http/json"] = Field("http/protobuf", description="Form of OTLP.")
    sample: float = Field(
        1.0, ge=0, le=1, description="Share of the traces handed on; all spans of a trace share its fate."
    )
    content: bool = Field(True, description="Hand texts of prompts and outputs on, too.")
    spool_spans: int = Field(
        1_000_000, ge=1, description="Spans that may wait; beyond that the oldest are skipped and counted."
    )
    spool_mib: int = Field(2048, ge=1, description="The same in MiB, with about 1 KB a span.")

    @field_validator("headers")
    @classmethod
    def _are_references(cls, value: dict[str, str]) -> dict[str, str]:
        for name, reference in value.items():
            if not reference.startswith(("env:", "secret:")):
                raise ValueError(
                    f"the value of `{name}` does not belong into this file; name it `env:…` or `secret:…`"
                )
        return value


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
    providers: dict[Name, ProviderSpec] = Field(
        default_factory=dict,
        description="Who serves models, by name; a model is asked for as `<provider>/<model>`.",
    )
    models: dict[Name, ModelSpec] = Field(
        default_factory=dict, description="Models under names of one's own, with routes and fallbacks."
    )
    export: ExportSpec = Field(default_factory=ExportSpec, description="Where spans are handed on to.")
    oidc: OidcSpec | None = Field(
        None, description="Sign-in by OpenID Connect; left out: local accounts alone."
    )
    judges: dict[Name, JudgeSpec] = Field(
        default_factory=dict, description="Models that judge outputs, by name; a judge must earn its trust."
    )
    gates: dict[Name, GateSpec] = Field(
        default_factory=dict, description="What has to be shown before a release is promoted, by name."
    )
    environments: dict[Name, EnvironmentSpec] = Field(
        default_factory=lambda: {name: EnvironmentSpec() for name in DEFAULT_ENVIRONMENTS},
        description="Where releases are served, in the order they go through.",
    )


Origin = Literal["argument", "environment", "groundwork.toml", "lab", "default"]


@dataclass(frozen=True)
class Layer:
    """Values from one place, as the nested mapping that `Spec` has."""

    origin: Origin
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Resolved:
    """The spec and, for every dotted key such as `settings.port`, where its value came from.

    `left_out` says in words which parts that labs add were left out, and why.
    """

    spec: Spec
    origins: Mapping[str, Origin]
    left_out: tuple[str, ...] = ()

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
        # Without the cause: a traceback would show the values, and one of them may be a key.
        raise _explain(error, origins) from None


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
    value = "value" if _may_be_secret(path) else f"value {first.get('input')!r}"
    return SettingsError(
        f"the {value} of `{key}` in {origin} does not fit: {said}",
        hint="`groundwork settings` shows every value with its origin; `groundwork schema` what is allowed",
        key=key,
    )


def _may_be_secret(path: Sequence[str]) -> bool:
    """Say whether a key may stand in the value at `path`, by mistake or as a part of it; such a value is never shown."""
    if path[:2] == ["oidc", "client_secret"]:
        return True
    if path[:2] in (["export", "headers"], ["export", "url"]):
        return True
    return path[:1] == ["providers"] and (
        len(path) < 3 or path[2] in ("key", "base_url", "headers", "query", "options")
    )


def _known(path: Sequence[str]) -> list[str]:
    sections: dict[str, type[BaseModel]] = {
        "settings": Settings,
        "indexes": IndexSpec,
        "apps": AppSpec,
        "providers": ProviderSpec,
        "export": ExportSpec,
        "models": ModelSpec,
        "oidc": OidcSpec,
        "judges": JudgeSpec,
        "gates": GateSpec,
        "environments": EnvironmentSpec,
    }
    model: type[BaseModel] = Spec
    for part in path:
        model = sections.get(part, model)
    if len(path) == 1 and path[0] in (
        "indexes",
        "apps",
        "providers",
        "models",
        "judges",
        "gates",
        "environments",
    ):
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
