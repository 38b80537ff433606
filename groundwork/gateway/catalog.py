"""From the name a client asks for to those who can serve it: providers, models under names of one's own, apps.

| name | serves |
| --- | --- |
| `extractive` | the provider of that name, offline |
| `app/<name>` | an app of the spec; `app/<name>@<release or environment>` one release of it |
| `<provider>/<model>` | that model; a provider that names no models in the spec is asked for any |
| a name under `[models]` | its routes by weight, then its fallbacks |
"""

from __future__ import annotations

import asyncio
import difflib
import inspect
import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from groundwork.core.errors import GroundworkError, ModelNotFoundError, NotFoundError, SettingsError
from groundwork.core.settings import PriceSpec, ProviderSpec, ServedSpec
from groundwork.gateway.failures import Failure
from groundwork.gateway.prices import as_table, price_of
from groundwork.gateway.providers import PROVIDERS, Attempt, Provider
from groundwork.gateway.types import ModelInfo

if TYPE_CHECKING:
    from groundwork.core.clock import Clock
    from groundwork.core.settings import ModelSpec, Spec
    from groundwork.gateway.transport import Transport

log = logging.getLogger("groundwork.gateway")
APP: Final = "app"
EXTRACTIVE = "extractive"
LISTING_S = 300.0
"""How old the list that a provider gave of its models may be before it is asked again."""
LISTING_TIMEOUT_S = 3.0
_MOST_PLANS = 2048
_LONGEST_NAME = 300
_UNKNOWN = ServedSpec()


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One way to serve a model.

    Attributes:
        provider: its name in the spec. model: the model's name there. key: both, as breakers and metrics know it.
        kind: the plug-in's name, which prices go by.
        price: what it costs; None where it is unknown or free.
        secret: where the provider's key is, `env:NAME` or `secret:NAME`; empty where it needs none.
        tokenizer: path of its `tokenizer.json`, empty where it is unknown.
    """

    provider: str
    plugin: Provider
    model: str
    kind: str
    served: ServedSpec = _UNKNOWN
    price: PriceSpec | None = None
    secret: str = ""
    tokenizer: str = ""
    key: tuple[str, str] = ("", "")

    @property
    def is_app(self) -> bool:
        """Whether an app of the workspace answers; what it may read depends on the caller."""
        return self.provider == APP


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """How a name is served; `candidates` are the routes and then the fallbacks."""

    name: str
    routes: tuple[Candidate, ...]
    weights: tuple[float, ...]
    deadline_s: float
    attempts: int
    fallbacks: tuple[Candidate, ...] = ()
    hedge_after_ms: float | None = None
    deterministic: bool = False
    candidates: tuple[Candidate, ...] = ()
    identity: str = ""
    """The candidates in words: two plans with equal identities may serve each other's cached completions."""


@dataclass
class _Listing:
    """What a provider said it serves."""

    models: tuple[ModelInfo, ...] = ()
    asked_at: float | None = None
    asking: bool = False


@dataclass
class _Source:
    """A provider as the spec or `app` gave it."""

    plugin: Provider
    spec: ProviderSpec = field(default_factory=ProviderSpec)
    kind: str = ""
    listing: _Listing = field(default_factory=_Listing)
    secret: str | None = None


class Catalog:
    """The models that can be asked for. Nothing is connected to until it is used.

    Args:
        spec: providers, models, apps and settings.
        secrets: turns `env:NAME` and `secret:NAME` into the key; asked once for each provider, again after a refusal.
        extra: further providers by name, such as `app`; those of the spec may not take their names.
        root: the folder that paths of tokenizers start from.

    Raises:
        SettingsError: a route names an unknown provider or another named model, a plug-in cannot be built, or
            the model of an app is an app.
    """

    def __init__(
        self,
        spec: Spec,
        secrets: Callable[[str], str],
        extra: Mapping[str, Provider] | None = None,
        *,
        root: Path | None = None,
    ) -> None:
        self._spec = spec
        self._secrets = secrets
        self._root = root or Path()
        self._sources: dict[str, _Source] = {}
        self._plans: dict[str, Plan] = {}
        self._lock = threading.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        for name, plugin in (extra or {}).items():
            self._sources[name] = _Source(plugin, kind=name)
        for name, provider in spec.providers.items():
            if name in self._sources or name in (APP, EXTRACTIVE):
                raise SettingsError(
                    f"a provider may not be called `{name}`: the platform serves that name itself",
                    hint="give it another name",
                )
            self._sources[name] = _Source(_made(name, provider, self._root), provider, provider.kind)
        if EXTRACTIVE not in self._sources and EXTRACTIVE in PROVIDERS.names():
            self._sources[EXTRACTIVE] = _Source(PROVIDERS.make(EXTRACTIVE), kind=EXTRACTIVE)
        for name, model in spec.models.items():
            if name in self._sources:
                raise SettingsError(
                    f"the model `{name}` has the name of a provider", hint="give one of them another name"
                )
            self._plans[name] = self._named(name, model)
        self._refuse_apps_behind_apps()

    def adopt(self, other: Catalog) -> None:
        """Serve what another catalog serves from now on; calls that are under way end as they began."""
        with self._lock:
            self._spec, self._sources, self._plans = other._spec, other._sources, other._plans

    def resolve(self, model: str) -> Plan:
        """Return how `model` is served; after the first time at no cost.

        Raises:
            ModelNotFoundError: there is no such name; the hint offers the nearest ones.
        """
        plan = self._plans.get(model)
        if plan is not None:
            return plan
        candidate = self._candidate(model)
        if candidate is None:
            raise self.unknown(model)
        plan = self._plan(model, (candidate,), (1.0,))
        with self._lock:
            # Anybody may ask a provider for any name, so these plans are bounded; those of the spec came first and stay.
            while len(self._plans) >= _MOST_PLANS + len(self._spec.models):
                del self._plans[next(n for n in self._plans if n not in self._spec.models)]
            self._plans[model] = plan
        return plan

    def unknown(self, model: str, scopes: Sequence[str] = ()) -> ModelNotFoundError:
        """Return the error for a name that nobody serves; its hint offers near names that the scopes may ask for."""
        shown = "".join(c if c.isprintable() else "\ufffd" for c in model[:100])
        names = [m.id for m in visible(self.infos(), scopes)]
        near = difflib.get_close_matches(shown, names, 3, 0.5)
        hint = f"did you mean {' or '.join(f'`{n}`' for n in near)}?" if near else "see GET /v1/models"
        return ModelNotFoundError(f"there is no model `{shown}`", hint=hint, near=near)

    def list(self) -> list[str]:
        """Return the names that can be asked for, sorted; of providers that list themselves as they last did."""
        return sorted(m.id for m in self.infos())

    def providers(self) -> Mapping[str, ProviderSpec]:
        """Return the providers of the spec by name."""
        return dict(self._spec.providers)

    def infos(self) -> Sequence[ModelInfo]:
        """Return what is known of every model that can be asked for, sorted by name."""
        named = [name for name in self._spec.models if name in self._plans]
        found = {name: self._info_of_plan(self._plans[name]) for name in named}
        if EXTRACTIVE in self._sources:
            found[EXTRACTIVE] = ModelInfo(
                EXTRACTIVE, EXTRACTIVE, description="quotes the given passages, offline"
            )
        for name in self._spec.apps if APP in self._sources else ():
            about = f"answers from the index `{self._spec.apps[name].index}` with citations"
            found[f"{APP}/{name}"] = ModelInfo(f"{APP}/{name}", APP, APP, description=about)
        for name, source in self._sources.items():
            for model, served in source.spec.models.items():
                found[f"{name}/{model}"] = self._info(name, model, served)
            for info in source.listing.models:
                known = self._info(name, info.id, _UNKNOWN)
                found.setdefault(known.id, _filled(known, info))
        return [found[name] for name in sorted(found)]

    async def refresh(self, transport: Transport | None, clock: Clock, *, wait: bool = False) -> None:
        """Ask providers that list themselves for their models, where the last list is older than `LISTING_S`.

        The lists arrive in the background; with `wait`, those that were never asked are waited for, for three seconds.
        """
        now = clock.monotonic()
        first: set[asyncio.Task[None]] = set()
        for name, source in self._sources.items():
            listing = source.listing
            fresh = listing.asked_at is not None and now - listing.asked_at < LISTING_S
            if source.spec.models or name in (APP, EXTRACTIVE) or fresh or listing.asking:
                continue
            listing.asking = True
            task = asyncio.create_task(self._list(name, source, transport, clock))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            if listing.asked_at is None:
                first.add(task)
        if wait and first:
            await asyncio.wait(first, timeout=LISTING_TIMEOUT_S)

    def secret(self, candidate: Candidate) -> str:
        """Return the key of the candidate's provider; empty where it needs none.

        Raises:
            Failure: `auth`: the key is not where the spec says it is.
        """
        if not candidate.secret:
            return ""
        source = self._sources[candidate.provider]
        if source.secret is None:
            try:
                source.secret = self._secrets(candidate.secret)
            except GroundworkError as error:
                raise Failure("auth", f"the key of the provider `{candidate.provider}` is not set") from error
        return source.secret

    def renewed(self, candidate: Candidate) -> bool:
        """Look the provider's key up again after a refusal; return whether it is another one now."""
        source = self._sources.get(candidate.provider)
        if source is None or not candidate.secret:
            return False
        before, source.secret = source.secret, None
        try:
            return self.secret(candidate) != before
        except Failure:
            return False

    async def aclose(self) -> None:
        """Stop asking for lists from the running event loop."""
        here = asyncio.get_running_loop()
        tasks = [task for task in self._tasks if task.get_loop() is here]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # ---- names to candidates ----

    def _candidate(self, name: str) -> Candidate | None:
        if name == EXTRACTIVE and name in self._sources:
            return self._way(name, name, _UNKNOWN)
        provider, mark, model = name.partition("/")
        source = self._sources.get(provider)
        if source is None or not mark or not model or len(name) > _LONGEST_NAME:
            return None
        if provider == APP:
            # Which releases and environments there are, the app itself knows.
            app, mark, place = model.partition("@")
            known = app in self._spec.apps and bool(place) == bool(mark)
            return self._way(provider, model, _UNKNOWN) if known else None
        served = source.spec.models.get(model)
        if served is None and source.spec.models:
            return None
        return self._way(provider, model, served or _UNKNOWN)

    def _way(self, provider: str, model: str, served: ServedSpec) -> Candidate:
        source = self._sources[provider]
        tokenizer = str(self._root / served.tokenizer) if served.tokenizer else ""
        return Candidate(
            provider=provider,
            plugin=source.plugin,
            model=model,
            kind=source.kind,
            served=served,
            price=price_of(model, kind=source.kind, base_url=source.spec.base_url, served=served),
            secret=source.spec.key,
            tokenizer=tokenizer,
            key=(provider, model),
        )

    def _named(self, name: str, spec: ModelSpec) -> Plan:
        routes = tuple(self._of_spec(name, route.model) for route in spec.routes)
        return self._plan(
            name,
            routes,
            tuple(route.weight for route in spec.routes),
            fallbacks=tuple(self._of_spec(name, fallback) for fallback in spec.fallbacks),
            spec=spec,
        )

    def _refuse_apps_behind_apps(self) -> None:
        """An app that asks an app, perhaps itself, would never come to an end."""
        for name, app in self._spec.apps.items():
            for model in (app.model, *app.cascade):
                if not isinstance(model, str):
                    continue
                plan = self._plans.get(model)
                led = [c.is_app for c in plan.candidates] if plan else [model.partition("/")[0] == APP]
                if any(led):
                    raise SettingsError(
                        f"the app `{name}` has the model `{model}`, which is an app",
                        hint="an app is answered by a model of a provider, or by `extractive`",
                        key=f"apps.{name}",
                    )

    def _of_spec(self, name: str, target: str) -> Candidate:
        candidate = self._candidate(target)
        if candidate is not None:
            return candidate
        if target in self._spec.models:
            raise SettingsError(
                f"the model `{name}` leads to `{target}`, which is a named model itself",
                hint="routes and fallbacks name a provider's model: `provider/model`",
                key=f"models.{name}",
            )
        provider = target.partition("/")[0]
        near = difflib.get_close_matches(target, self._names(), 1, 0.6)
        known = difflib.get_close_matches(provider, self._sources, 1, 0.6)
        offered = near[0] if near else f"{known[0]}/…" if known else ""
        hint = f"did you mean `{offered}`?" if offered else f"providers: {', '.join(sorted(self._sources))}"
        missing = "model" if provider in self._sources else "provider"
        raise SettingsError(
            f"the model `{name}` leads to `{target}`, but there is no such {missing}",
            hint=hint,
            key=f"models.{name}",
        )

    def _plan(
        self,
        name: str,
        routes: tuple[Candidate, ...],
        weights: tuple[float, ...],
        *,
        fallbacks: tuple[Candidate, ...] = (),
        spec: ModelSpec | None = None,
    ) -> Plan:
        settings = self._spec.settings
        candidates = routes + fallbacks
        return Plan(
            name=name,
            routes=routes,
            weights=weights,
            fallbacks=fallbacks,
            deadline_s=(spec.deadline_s if spec else None) or settings.call_deadline_s,
            attempts=(spec.attempts if spec else None) or settings.call_attempts,
            hedge_after_ms=spec.hedge_after_ms if spec else None,
            deterministic=(spec.deterministic if spec else False)
            or all(c.plugin.deterministic for c in candidates),
            candidates=candidates,
            identity="\n".join(sorted({f"{c.provider}/{c.model}" for c in candidates})),
        )

    def _names(self) -> Sequence[str]:
        return [m.id for m in self.infos()]

    # ---- what is known of models ----

    def _info(self, provider: str, model: str, served: ServedSpec) -> ModelInfo:
        return _described(f"{provider}/{model}", self._way(provider, model, served))

    def _info_of_plan(self, plan: Plan) -> ModelInfo:
        first = plan.routes[0]
        ways = ", then ".join(f"{c.provider}/{c.model}" for c in plan.candidates)
        return _described(plan.name, first, description=f"served by {ways}")

    async def _list(self, name: str, source: _Source, transport: Transport | None, clock: Clock) -> None:
        try:
            async with asyncio.timeout(LISTING_TIMEOUT_S * 3):
                secret = self.secret(self._way(name, "", _UNKNOWN))
                attempt = Attempt(
                    model="", transport=transport, secret=secret, timeout_s=LISTING_TIMEOUT_S * 3
                )
                source.listing.models = tuple((await source.plugin.models(attempt))[:10_000])
        except Exception as error:  # the last list stands; `groundwork model check` says what is wrong
            log.info("the provider `%s` did not list its models: %s", name, type(error).__name__)
        finally:
            source.listing.asked_at = clock.monotonic()
            source.listing.asking = False


def visible(models: Iterable[ModelInfo], scopes: Sequence[str]) -> list[ModelInfo]:
    """Return the models that a key with these scopes may ask for; without any `model:` or `app:` scope, every one."""
    from groundwork.gateway.keys import covers

    return [m for m in models if covers(scopes, m.id)] if scopes else list(models)


def _described(name: str, candidate: Candidate, description: str = "") -> ModelInfo:
    kind: Literal["chat", "embedding", "app"] = APP if candidate.is_app else candidate.served.kind
    return ModelInfo(
        id=name,
        provider=candidate.provider,
        kind=kind,
        context_tokens=candidate.served.context_tokens,
        max_output_tokens=candidate.served.max_output_tokens,
        price=as_table(candidate.price),
        description=description,
    )


def _filled(known: ModelInfo, said: ModelInfo) -> ModelInfo:
    """Return what the spec and price list know, with what the provider said where they are silent."""
    return ModelInfo(
        id=known.id,
        provider=known.provider,
        kind=said.kind if said.kind != "chat" else known.kind,
        context_tokens=known.context_tokens or said.context_tokens,
        max_output_tokens=known.max_output_tokens or said.max_output_tokens,
        price=known.price or said.price,
        description=said.description,
    )


def _made(name: str, spec: ProviderSpec, root: Path) -> Provider:
    """Build a plug-in with those parameters of the spec that it takes, and with its options."""
    try:
        kind = PROVIDERS.get(spec.kind)
    except NotFoundError as error:
        raise SettingsError(
            f"the provider `{name}` has an unknown kind: {error.message}",
            hint=error.hint,
            key=f"providers.{name}",
        ) from error
    taken = inspect.signature(kind).parameters
    offered: dict[str, Any] = {
        "base_url": spec.base_url,
        "auth": spec.auth,
        "headers": dict(spec.headers),
        "query": dict(spec.query),
        "root": str(root),
    }
    fitting = {k: v for k, v in offered.items() if k in taken}
    if spec.base_url and "base_url" not in taken:
        raise SettingsError(
            f"the provider `{name}` of kind `{spec.kind}` runs in this process and takes no `base_url`",
            hint="leave it out",
            key=f"providers.{name}",
        )
    try:
        return PROVIDERS.make({"name": spec.kind, **fitting, **spec.options})
    except SettingsError as error:
        raise SettingsError(
            f"the provider `{name}` cannot be made: {error.message}", hint=error.hint, key=f"providers.{name}"
        ) from error
