"""A workspace whose gateway was used for twelve days: providers that play a script, keys with budgets, calls."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from groundwork.app.calling import caller_of, request_of
from groundwork.app.workspace import Workspace
from groundwork.core.clock import ManualClock
from groundwork.core.errors import GroundworkError, UpstreamError
from groundwork.core.principal import LOCAL
from groundwork.gateway.records import KeyInfo
from groundwork.gateway.types import Caller, EmbedRequest

SPEC = """
budget_day_usd = 20.0
call_attempts = 2

[indexes.default]
backend = "memory"
embedder = "none"

[apps.default]
strategy = "lexical"
threshold = 0.2
budget_month_usd = 100.0

[providers.play]
kind = "scripted"

[providers.play.options.scripts]
mini = { text = "Trains are booked in second class; above four hours first class is fine." }
flaky = { text = "It came at the second try.", fail = "overloaded", fail_times = 1, status = 529 }
down = { text = "never", fail = "server_error", fail_times = 1000000, status = 500 }
cut = { text = "The first words come, the others do not come any more.", fail = "reset", fail_after = 3 }

[providers.play.options.scripts.slow]
text = "one two three four five six seven eight nine ten one two three four five six seven eight nine ten"
chunk_delay_ms = 100

[providers.play.models.mini]
context_tokens = 128000
max_output_tokens = 16000
price = { input = 2.5, output = 20.0, cached_input = 0.25 }

[providers.play.models.flaky]
price = { input = 2.5, output = 20.0 }

[providers.play.models.down]
[providers.play.models.cut]
[providers.play.models.slow]
[providers.play.models.words]
kind = "embedding"
dimensions = 64

[providers.far]
base_url = "https://models.example.com/v1"
key = "env:KEY_THAT_NOBODY_SET"

[providers.far.models.large]
context_tokens = 200000

[models.fast]
routes = [{ model = "play/down" }]
fallbacks = ["play/mini"]
"""
LEAVE = "# Annual leave\n\nUp to five days may be carried into the next year. They lapse on 31 March.\n"


@dataclass
class GatewayHouse:
    """The workspace, its two keys that work, and one that was revoked; `secret` belongs to the first."""

    workspace: Workspace
    secret: str
    intranet: KeyInfo
    batch: KeyInfo
    revoked: KeyInfo


def make_house(root: Path, days: int = 12) -> GatewayHouse:
    """Make it; the last of its days is today."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "groundwork.toml").write_text(SPEC, encoding="utf-8")
    workspace = Workspace.init(root)
    docs = root / "docs"
    docs.mkdir()
    (docs / "leave.md").write_text(LEAVE, encoding="utf-8")
    workspace.ingest([docs])
    clock = ManualClock(datetime.now(UTC) - timedelta(days=days - 1, seconds=60))
    workspace.rooms.clock = clock
    keys = workspace.keys
    secret, intranet = keys.create(
        LOCAL,
        "intranet chat",
        budget_usd={"day": 0.05, "month": 50.0},
        requests_per_minute=600,
        access=["group:hr"],
    )
    other, batch = keys.create(LOCAL, "nightly batch", scopes=["embed", "chat", "model:play/*"])
    _, old = keys.create(LOCAL, "old script", expires_at=(clock.now() + timedelta(days=400)).isoformat())
    house = GatewayHouse(workspace, secret, intranet, batch, keys.revoke(LOCAL, old.id))
    inside = caller_of(LOCAL)
    for day in range(days):
        for n in range(1 + day * 3 % 4):
            _call(
                house, "play/mini", f"What about trains on day {day}, {n}?", Caller(key=secret, door="http")
            )
        _call(house, "play/mini", f"Translate document {day}.", Caller(key=other, door="http"))
        workspace.gateway.embed(EmbedRequest("play/words", ("some words",)), Caller(key=other, door="http"))
        clock.advance(86_400)
    clock.advance(-86_400)
    _call(house, "play/flaky", "Try it.", inside)
    _call(house, "fast", "The route fails, the fallback answers.", inside)
    _call(house, "play/down", "It fails.", Caller(key=other, door="http"))
    _call(house, "play/mini", "The same again.", inside, temperature=0)
    _call(house, "play/mini", "The same again.", inside, temperature=0)
    _stream(house, "play/cut", inside)
    _call(house, "app/default", "How many days may be carried into the next year?", inside)
    clock.advance(60)
    return house


def _call(
    house: GatewayHouse, model: str, text: str, caller: Caller, temperature: float | None = None
) -> None:
    try:
        house.workspace.gateway.complete(request_of(model, [("user", text)], temperature=temperature), caller)
    except UpstreamError:
        assert model == "play/down"


def _stream(house: GatewayHouse, model: str, caller: Caller) -> None:
    with (
        pytest.raises(GroundworkError),
        house.workspace.gateway.stream(
            request_of(model, [("user", "Go on.")], stream=True), caller
        ) as stream,
    ):
        for _ in stream:
            pass
