"""How a generated answer was made, in words: who wrote it, what was called, and what the calls cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from groundwork.answers.types import Answer, Exchange
from groundwork.app import calls as words
from groundwork.app import money, offers
from groundwork.core.principal import Principal
from groundwork.gateway.usage import CallRow
from groundwork.server.console.render import plural
from groundwork.server.house import House

PURPOSES = {"answer": "for the answer", "condense": "to understand the question within its conversation"}
REASONS = {
    "first": "asked first",
    "retry": "asked again with fewer passages",
    "fallback": "asked because the one before failed",
    "escalation": "asked because the one before was not sure enough",
}
FINISHES = {
    "stop": ("good", "answered"),
    "length": ("warn", "cut off at its longest answer"),
    "content_filter": ("bad", "refused by its provider"),
    "broken": ("warn", "broke off"),
    "failed": ("bad", "did not answer"),
}
MAX_CALLS = 50
Words = tuple[str, str]
"""A slug for the colour, and what is said."""


@dataclass(frozen=True)
class Making:
    """How a model came to an answer.

    Attributes:
        served: who wrote it, or who stood in.
        reasons: what else has to be said of it, each a sentence.
        spent: tokens in words and cost in words; the whole, from the answer's own record.
    """

    served: Words
    reasons: tuple[str, ...]
    calls: tuple[dict[str, Any], ...]
    tokens: str
    cost: str


def making(house: House, principal: Principal, answer: Answer) -> Making | None:
    """Return how an answer was made; None for one that no model was asked for."""
    if not answer.exchanges:
        return None
    rows = house.usage.calls(principal, {"answer": answer.id}, limit=MAX_CALLS)
    calls = tuple(_call(house, *pair) for pair in _with_rows(answer, rows))
    read = sum(int(e.usage.get("input_tokens", 0)) for e in answer.exchanges)
    written = sum(int(e.usage.get("output_tokens", 0)) for e in answer.exchanges)
    total = sum(e.cost_usd for e in answer.exchanges)
    costs = {c["cost"] for c in calls}
    unknown = money.UNKNOWN_PRICE in costs
    cost = money.usd(total) if total or not unknown else money.UNKNOWN_PRICE
    if costs == {money.FREE}:
        cost = money.FREE
    elif total and unknown:
        cost += " and calls of unknown price"
    reasons = tuple(_sentence(note) for note in answer.notes)
    return Making(_served(answer), reasons, calls, f"{read:,} read, {written:,} written", cost)


def can_be_asked_again(answer: Answer) -> bool:
    """Say whether models were asked for the answer and what it was made from is still known."""
    return not answer.redacted and any(e.purpose == "answer" for e in answer.exchanges)


def once(making: Making, answer: Answer) -> str:
    """Say what asking once more may cost, as far as the record tells."""
    paid = [e.cost_usd for e in answer.exchanges if e.purpose == "answer" and not e.cached]
    if making.cost == money.UNKNOWN_PRICE or not paid:
        return "What a run costs is not known beforehand"
    return f"The recorded answer cost {money.usd(sum(paid))}; each run costs about as much"


def _sentence(note: str) -> str:
    # The name of a model keeps its small letters.
    named = "/" in note.partition(" ")[0]
    return f"{note}." if named else f"{note[:1].upper()}{note[1:]}."


def _served(answer: Answer) -> Words:
    asked = [e for e in answer.exchanges if e.purpose == "answer"]
    if not asked:
        return "plain", f"Quoted by the {answer.served_by or 'extractive'} reader"
    if answer.served_by == "extractive":
        return "warn", "The extractive reader stood in: no model answered"
    verb = "Asked of" if answer.abstained or not answer.text else "Written by"
    after = [e for e in asked if e.reason in ("fallback", "escalation")]
    several = f", after {plural(len(asked) - 1, 'other call')}" if after else ""
    return "plain", f"{verb} {answer.served_by}{several}"


def _with_rows(answer: Answer, rows: Sequence[CallRow]) -> list[tuple[Exchange, CallRow | None]]:
    """Return each exchange with its call; one that failed does not know its call, it is the next of that model."""
    known = {row.id: row for row in rows}
    named = {e.call_id for e in answer.exchanges}
    left = [row for row in reversed(rows) if row.id not in named]
    pairs: list[tuple[Exchange, CallRow | None]] = []
    for exchange in answer.exchanges:
        row = known.get(exchange.call_id)
        if row is None and not exchange.call_id:
            row = next((r for r in left if r.model == exchange.model), None)
            left = [r for r in left if r is not row]
        pairs.append((exchange, row))
    return pairs


def _call(house: House, exchange: Exchange, row: CallRow | None) -> dict[str, Any]:
    provider, _, model = (exchange.served_by or exchange.model).partition("/")
    tokens = [int(exchange.usage.get(n, 0)) for n in ("input_tokens", "output_tokens")]
    if exchange.cached:
        cost = money.FREE
    elif row is not None:
        cost = words.cost(house, row)
    elif any(tokens) or exchange.cost_usd:
        cost = offers.cost_in_words(house, provider, model, exchange.cost_usd)
    else:
        cost = money.usd(0)
    return {
        "exchange": exchange,
        "purpose": PURPOSES[exchange.purpose],
        "reason": REASONS[exchange.reason],
        "state": FINISHES.get(exchange.finish, ("plain", exchange.finish.replace("_", " "))),
        "tokens": f"{tokens[0]:,} + {tokens[1]:,}",
        "cost": cost,
        "time": words.duration(exchange.latency_ms),
        "href": f"/usage/{row.id}" if row is not None else "",
    }
