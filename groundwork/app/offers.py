"""What can be asked for: models with their prices, providers with their keys, and local servers that could be added."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from groundwork.app import money
from groundwork.app.calling import caller_of
from groundwork.core.errors import GroundworkError
from groundwork.core.principal import Principal

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace
    from groundwork.core.settings import PriceSpec
    from groundwork.gateway.discovery import Found
    from groundwork.gateway.types import CallMeta, ModelInfo


@dataclass(frozen=True)
class Offer:
    """A model that can be asked for; `price` is in USD per million tokens, None where it is unknown.

    `price_source` is `spec` or the provider's page that the bundled list was taken from, `price_date` when.
    """

    id: str
    provider: str
    kind: str
    context_tokens: int | None
    max_output_tokens: int | None
    price: dict[str, float] | None
    price_words: str
    price_source: str
    price_date: str
    description: str

    @property
    def price_from(self) -> str:
        """Where the price comes from, in words."""
        if not self.price_source:
            return ""
        return "groundwork.toml" if self.price_source == "spec" else f"{self.price_source}, {self.price_date}"

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Price:
    """What a model costs in USD per million tokens, where that stands and when it was looked up; `spec`: in the spec."""

    model: str
    price: dict[str, float]
    source: str
    date: str
    basis: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class ProviderLine:
    """A provider of the spec; `key` says where its key is, `problem` why it cannot be found. The key itself is not here."""

    name: str
    kind: str
    base_url: str
    key: str
    problem: str
    models: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Nearby:
    """A model server that answers on this machine; `lines` add it to the spec, `known` is its name where it is there."""

    name: str
    title: str
    base_url: str
    models: tuple[str, ...]
    known: str
    lines: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


AS_ITS_MODELS = "as its models"
TITLES = {"ollama": "Ollama", "llamacpp": "llama.cpp", "vllm": "vLLM", "lmstudio": "LM Studio"}


def offers(workspace: Workspace, principal: Principal) -> list[Offer]:
    """Return every model that can be asked for, by name; providers that list themselves are asked."""
    return [_offer(workspace, m) for m in workspace.gateway.models(caller_of(principal))]


def providers(workspace: Workspace) -> list[ProviderLine]:
    """Return the providers of the spec and whether their keys are there."""
    found = []
    for name, spec in sorted(workspace.spec.providers.items()):
        problem = ""
        if spec.key:
            try:
                workspace.secrets.resolve(spec.key)
            except GroundworkError as error:
                problem = f"{error.message}; {error.hint}" if error.hint else error.message
        found.append(
            ProviderLine(name, spec.kind, spec.base_url, spec.key, problem, tuple(sorted(spec.models)))
        )
    return found


def nearby(workspace: Workspace) -> list[Nearby]:
    """Return the model servers that answer on this machine; takes up to 300 ms."""
    from groundwork.gateway.discovery import find_local

    return [_nearby(workspace, f) for f in workspace.gateway.run(find_local(workspace.door.transport))]


def spec_lines(name: str, base_url: str, models: Sequence[str]) -> str:
    """Return the lines that name a local server in `groundwork.toml`."""
    lines = [f"[providers.{name}]", f'base_url = "{base_url}"']
    if models:
        lines += ["", f"# ask for it as `{name}/{models[0]}`"]
    return "\n".join(lines)


def price_of(workspace: Workspace, provider: str, model: str) -> PriceSpec | None:
    """Return the price of a provider's model; free where nobody bills, None where it is not known."""
    from groundwork.gateway import prices

    spec = workspace.spec.providers.get(provider)
    if spec is None:
        return prices.FREE if provider in (*prices.HERE, "app", "") else None
    served = spec.models.get(model)
    return prices.price_of(model, kind=spec.kind, base_url=spec.base_url, served=served)


def cost_in_words(workspace: Workspace, provider: str, model: str, cost_usd: float) -> str:
    """Return a cost; where it is 0 because nobody knows the price, say so."""
    if cost_usd or price_of(workspace, provider, model) is not None:
        return money.usd(cost_usd)
    return money.UNKNOWN_PRICE


def cost_words(workspace: Workspace, meta: CallMeta) -> str:
    """Return what a call cost, in words."""
    return cost_in_words(workspace, meta.provider, meta.model, meta.cost_usd)


def price_list(workspace: Workspace) -> list[Price]:
    """Return the prices that the spec sets, and those of the bundled list."""
    from groundwork.gateway import prices

    own = [
        Price(f"{name}/{model}", prices.as_table(served.price) or {}, "spec", "", "")
        for name, provider in sorted(workspace.spec.providers.items())
        for model, served in sorted(provider.models.items())
        if served.price is not None
    ]
    bundled = [
        Price(f"{p.vendor}/{model}", prices.as_table(p) or {}, p.source, p.checked, p.basis)
        for model, p in prices.listed_prices()
    ]
    return [*own, *bundled]


def _offer(workspace: Workspace, info: ModelInfo) -> Offer:
    from groundwork.gateway import prices

    ways = _ways(workspace, info)
    price = (
        None if None in ways else max((w for w in ways if w), key=lambda w: (w.output, w.input), default=None)
    )
    table = prices.as_table(price)
    listed = price if isinstance(price, prices.ListedPrice) else None
    from_spec = price is not None and listed is None and bool(price.input or price.output)
    several = len({(w.input, w.output) for w in ways if w}) > 1
    return Offer(
        id=info.id,
        provider=info.provider,
        kind=info.kind,
        context_tokens=info.context_tokens,
        max_output_tokens=info.max_output_tokens,
        price=table,
        price_words=AS_ITS_MODELS
        if _asks_models(workspace, info)
        else ("up to " if several else "") + money.price(table),
        price_source=listed.source if listed else "spec" if from_spec else "",
        price_date=listed.checked if listed else "",
        description=info.description,
    )


def _asks_models(workspace: Workspace, info: ModelInfo) -> bool:
    """Say whether this is an app that asks models, which cost what they cost."""
    app = workspace.spec.apps.get(info.id.removeprefix("app/")) if info.kind == "app" else None
    if app is None:
        return False
    name = app.model if isinstance(app.model, str) else str(app.model.get("name", ""))
    return name != "extractive" or bool(app.cascade)


def _ways(workspace: Workspace, info: ModelInfo) -> list[PriceSpec | None]:
    """Return the price of each way a model may be served; None where one is unknown."""
    try:
        candidates = workspace.catalog.resolve(info.id).candidates
    except GroundworkError:
        return [None]
    return [price_of(workspace, c.provider, c.model) for c in candidates]


def _nearby(workspace: Workspace, found: Found) -> Nearby:
    known = next(
        (n for n, p in workspace.spec.providers.items() if _same(p.base_url, found.base_url)),
        "",
    )
    name = found.name
    while not known and name in workspace.spec.providers:
        name += "-local"
    lines = spec_lines(name, found.base_url, found.models)
    return Nearby(
        found.name, TITLES.get(found.name, found.name), found.base_url, tuple(found.models), known, lines
    )


def _same(a: str, b: str) -> bool:
    one, other = urlsplit(a), urlsplit(b)
    return bool(a) and one.port == other.port and _is_loopback(a) and _is_loopback(b)


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
