"""What models cost: a bundled list with date and source, and the exact cost of an attempt.

The list (`prices.json`) names for every vendor where its prices stand, when they were looked up and on what basis. A price
in the spec goes before it. What is in neither is unknown, and said so; it is never guessed from a similar name.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping
from fractions import Fraction
from functools import cache, lru_cache
from math import lcm
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from groundwork.core.settings import PriceSpec, ServedSpec
from groundwork.gateway.types import Usage

LIST = Path(__file__).with_name("prices.json")
FREE = PriceSpec(input=0.0, output=0.0)
HERE = frozenset({"extractive", "scripted", "transformers"})
"""Plug-ins that serve in this process."""
_PER_TOKEN = 1000  # USD per million tokens are thousands of nanousd per token

# What may follow a listed name and still be that model: a date, a version, `latest`.
_VERSION = re.compile(r"(?:[-@:](?:\d{2,8}|latest|preview|exp|v\d+(?:\.\d+)?)|:\d)*")
_REGION = re.compile(r"^(?:us|eu|apac|jp|au|ca|global|us-gov)\.(?=[a-z0-9]+\.)")


class ListedPrice(PriceSpec):
    """A price of the bundled list.

    Attributes:
        above_tokens: a prompt longer than this costs `above` for every token of the call; None: length does not matter.
        source, checked: where it stands and when it was looked up. basis: what is to be known about it.
    """

    above_tokens: int | None = None
    above: PriceSpec | None = None
    vendor: str = ""
    source: str = ""
    checked: str = ""
    basis: str = ""

    def for_prompt(self, input_tokens: int) -> PriceSpec:
        """Return what a call with so many tokens of input is charged by."""
        if self.above is None or self.above_tokens is None or input_tokens <= self.above_tokens:
            return self
        return self.above


def price_of(
    model: str, *, kind: str = "openai_compatible", base_url: str = "", served: ServedSpec | None = None
) -> PriceSpec | None:
    """Return what a model costs, or None where nobody knows.

    Args:
        model: the provider's own name of it.
        kind: the plug-in. base_url: where it is served: a vendor's price holds at the vendor's own address only.
        served: what the spec says of the model; its price goes before the list.
    """
    if served is not None and served.price is not None:
        return served.price
    if kind in HERE or (base_url and _is_near(base_url)):
        return FREE
    if not base_url:
        return listed("anthropic", model) if kind == "anthropic" else None
    vendor = vendor_of(base_url)
    return None if vendor is None else listed(vendor, model)


@lru_cache(maxsize=1024)
def listed(vendor: str, model: str) -> ListedPrice | None:
    """Return the vendor's price of a model: the longest listed name it begins with, followed by nothing but a version."""
    prices = _vendors().get(vendor, {})
    name = _REGION.sub("", model.lower().removeprefix("models/").removeprefix("publishers/google/models/"))
    for end in range(len(name), 0, -1):
        found = prices.get(name[:end])
        if found is not None:
            return found if _VERSION.fullmatch(name, end) else None
    return None


def vendor_of(base_url: str) -> str | None:
    """Return whose prices hold at an address, None where nobody's are known to."""
    host = (urlsplit(base_url).hostname or "").lower()
    for end, vendor in _hosts():
        if host == end.lstrip(".") or (end.startswith(".") and host.endswith(end)):
            return vendor
    return "bedrock" if host.startswith("bedrock") and host.endswith(".amazonaws.com") else None


def cost_nanousd(usage: Usage, price: PriceSpec | None) -> int:
    """Return what these tokens cost, in billionths of a US dollar, rounded up; 0 where the price is unknown.

    Cached input and cache writes are part of `usage.input_tokens` and are charged at their own prices where there are such,
    else as input.
    """
    if price is None:
        return 0
    if isinstance(price, ListedPrice):
        price = price.for_prompt(usage.input_tokens)
    read, written, cached, stored, unit = _rates(price)
    hits = min(max(usage.cached_input_tokens, 0), usage.input_tokens)
    writes = min(max(usage.cache_write_tokens, 0), usage.input_tokens - hits)
    fresh = usage.input_tokens - hits - writes
    total = fresh * read + hits * cached + writes * stored + usage.output_tokens * written
    return max(0, -(-total // unit))


@lru_cache(maxsize=1024)
def _rates(price: PriceSpec) -> tuple[int, int, int, int, int]:
    """Return what a token read, written, read from the provider's cache, written to it costs, and how many are a nanousd.

    Exactly as the decimals say, in whole numbers of the largest unit that all of them are multiples of.
    """
    read = _per_token(price.input)
    cached = read if price.cached_input is None else _per_token(price.cached_input)
    stored = read if price.cache_write is None else _per_token(price.cache_write)
    rates = (read, _per_token(price.output), cached, stored)
    unit = lcm(*(rate.denominator for rate in rates))
    of_read, of_written, of_cached, of_stored = (int(rate * unit) for rate in rates)
    return of_read, of_written, of_cached, of_stored, unit


def _per_token(usd_per_million: float) -> Fraction:
    return Fraction(repr(usd_per_million)) * _PER_TOKEN


def as_table(price: PriceSpec | None) -> dict[str, float] | None:
    """Return a price as people and clients see it, in USD per million tokens; None where it is unknown."""
    if price is None:
        return None
    table = {"input": price.input, "output": price.output}
    if price.cached_input is not None:
        table["cached_input"] = price.cached_input
    if price.cache_write is not None:
        table["cache_write"] = price.cache_write
    return table


def sources() -> list[Mapping[str, str]]:
    """Return for every vendor of the list where its prices stand, when they were looked up and on what basis."""
    return [
        {"vendor": name, **{k: str(entry.get(k, "")) for k in ("source", "checked", "basis")}}
        for name, entry in sorted(_list()["vendors"].items())
    ]


def listed_prices() -> list[tuple[str, ListedPrice]]:
    """Return every `(model, price)` of the list, by vendor and model."""
    return [
        (model, price) for _, models in sorted(_vendors().items()) for model, price in sorted(models.items())
    ]


@cache
def _list() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(LIST.read_text("utf-8"))
    return found


@cache
def _vendors() -> dict[str, dict[str, ListedPrice]]:
    vendors: dict[str, dict[str, ListedPrice]] = {}
    for name, entry in _list()["vendors"].items():
        about = {"vendor": name, **{k: entry.get(k, "") for k in ("source", "checked", "basis")}}
        prices = {
            model: ListedPrice(**{**about, **price}) for model, price in entry.get("models", {}).items()
        }
        same = vendors.get(entry.get("same_as", ""), {})
        vendors[name] = {
            **{m: p.model_copy(update={k: v for k, v in about.items() if v}) for m, p in same.items()},
            **prices,
        }
    return vendors


@cache
def _hosts() -> tuple[tuple[str, str], ...]:
    return tuple(
        (host, name) for name, entry in _list()["vendors"].items() for host in entry.get("hosts", ())
    )


def _is_near(base_url: str) -> bool:
    """Say whether a server runs on this machine or network: it sends no bill by token."""
    host = (urlsplit(base_url).hostname or "").lower()
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal", ".lan")):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return bool(host) and "." not in host  # a name of the local network or of a container
    return address.is_loopback or address.is_private or address.is_link_local
