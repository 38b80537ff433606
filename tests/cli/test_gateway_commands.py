"""Keys, usage, models and chat on the terminal, over a workspace whose gateway was used for days."""

from __future__ import annotations

import io
import json
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from groundwork.cli.keys import budgets_of, expiry_of, rate_of
from groundwork.cli.usage import day_of
from groundwork.core.errors import InvalidInputError
from groundwork.core.principal import LOCAL
from tests.cli.conftest import Done, call
from tests.gateway_house import GatewayHouse, make_house

pytestmark = pytest.mark.xdist_group("cli-gateway")
KEY = re.compile(r"gw_[0-9A-Za-z]{49}")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> GatewayHouse:
    made = make_house(tmp_path_factory.mktemp("house") / "w", days=4)
    made.workspace.close()
    return made


def on(house: GatewayHouse, *arguments: object) -> Done:
    return call(*arguments, "--workspace", house.workspace.root)


# -- keys ------------------------------------------------------------------------------------------------------------
def test_a_key_is_shown_once_with_lines_to_paste_and_is_stored_nowhere(house: GatewayHouse) -> None:
    done = on(house, "key", "create", "shown once", "--budget", "5/day", "--budget", "$50/month", "--rate", "60/min",
              "--tokens-rate", "100k/min", "--expires", "30d", "--scope", "chat,app:default", "--access", "group:hr",
              "--json")  # fmt: skip
    assert done.code == 0
    body = done.json
    assert KEY.fullmatch(body["key"])
    assert body["prefix"] == body["key"][: len(body["prefix"])]
    assert body["scopes"] == ["app:default", "chat"]
    assert body["access"] == ["group:hr"]
    assert body["budget_usd"] == {"day": 5.0, "month": 50.0}
    assert (body["requests_per_minute"], body["tokens_per_minute"]) == (60.0, 100_000.0)
    assert body["expires_at"] > (datetime.now(UTC) + timedelta(days=29)).isoformat()
    assert body["base_url"] == "http://127.0.0.1:8700/v1"
    assert body["key"] in body["examples"]["openai"]
    shown = on(house, "key", "show", "shown once")
    assert body["key"] not in shown.out + on(house, "key", "list", "--json").out
    database = (house.workspace.root / ".groundwork" / "groundwork.db").read_bytes()
    assert body["key"].encode() not in database


def test_the_terminal_says_that_the_key_is_not_shown_again(house: GatewayHouse) -> None:
    done = on(house, "key", "create")
    lines = done.out.splitlines()
    assert KEY.fullmatch(lines[0])
    assert "cannot be shown again" in lines[1]
    assert "unnamed 1" in done.out
    assert f'api_key="{lines[0]}"' in done.out
    assert "Authorization: Bearer " + lines[0] in done.out
    assert done.err == ""


def test_keys_are_listed_with_what_they_spent_and_what_is_left(house: GatewayHouse) -> None:
    found = {k["name"]: k for k in on(house, "key", "list", "--json").json["keys"]}
    assert "old script" not in found
    chat = found["intranet chat"]
    assert chat["spent_usd"] > 0
    budget = {b["period"]: b for b in chat["budgets"]}
    assert budget["day"]["left_usd"] == pytest.approx(0.05 - budget["day"]["spent_usd"])
    assert chat["last_used_at"]
    out = on(house, "key", "list").out
    assert "$0.05/day" in out
    assert "1 key revoked or expired" in out
    assert "old script" in on(house, "key", "list", "--all").out


def test_a_key_is_changed_and_revoked_by_its_name(house: GatewayHouse) -> None:
    made = on(house, "key", "create", "to change", "--expires", "2h", "--json").json
    now = on(house, "key", "update", "to change", "--budget", "2/total", "--expires", "never", "--rate", "0",
             "--access", "all", "--name", "changed", "--json").json  # fmt: skip
    assert (now["id"], now["name"]) == (made["id"], "changed")
    assert now["budget_usd"] == {"total": 2.0}
    assert now["expires_at"] is None
    assert now["access"] is None
    assert now["scopes"] == made["scopes"]
    refused = on(house, "key", "revoke", "changed")
    assert refused.code == 2
    assert "--yes" in refused.err
    gone = on(house, "key", "revoke", "changed", "--yes", "--json").json
    assert gone["state"] == "revoked"
    assert "is refused from now on" in on(house, "key", "revoke", made["id"], "-y").out


@pytest.mark.parametrize(
    "arguments",
    [
        ("key", "create", "--budget", "five/day"),
        ("key", "create", "--budget", "5"),
        ("key", "create", "--budget", "5/week"),
        ("key", "create", "--rate", "fast"),
        ("key", "create", "--expires", "soon"),
        ("key", "create", "--expires", "2001-01-01"),
        ("key", "create", "--scope", "everything"),
        ("key", "update", "intranet chat"),
        ("key", "update", "intranet chat", "--budget", "1/day", "--no-budget"),
        ("key", "show", "nobody"),
        ("usage", "--by", "colour"),
        ("usage", "--since", "yesterday"),
        ("usage", "call", "call_nothing"),
        ("model", "check", "nobody/nothing"),
        ("model", "secret", "set"),
        ("model", "secret", "list", "x"),
        ("model", "secret", "remove", "nothing"),
        ("chat", "hello", "--model", "nobody/nothing"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_is_refused_with_a_hint(house: GatewayHouse, arguments: tuple[str, ...]) -> None:
    done = on(house, *arguments)
    assert done.code == 2, done.out + done.err
    assert done.err.startswith("error: ")
    assert "hint: " in done.err
    assert done.out == ""


def test_amounts_rates_and_times_are_read_as_people_write_them() -> None:
    assert budgets_of(["5/day", "$1_000.50/month,20/total"]) == {"day": 5.0, "month": 1000.5, "total": 20.0}
    assert budgets_of([".5/d"]) == {"day": 0.5}
    assert [rate_of(v, "--rate") for v in ("60/min", "60", "100k/min", "1.5k", "0", None)] == [
        60, 60, 100_000, 1500, 0, 0,
    ]  # fmt: skip
    assert expiry_of("never") is expiry_of(None) is None
    assert expiry_of("2027-01-31") == "2027-01-31T00:00:00+00:00"
    assert expiry_of("2027-01-31T12:00:00+02:00") == "2027-01-31T10:00:00+00:00"
    today = datetime.now(UTC).date()
    assert day_of("1d", "--since") == day_of("today", "--since") == today.isoformat()
    assert day_of("2w", "--since") == (today - timedelta(days=13)).isoformat()
    for wrong in ("99999y", "2026-13-01"):
        with pytest.raises(InvalidInputError):
            day_of(wrong, "--since")


# -- usage -----------------------------------------------------------------------------------------------------------
def test_usage_adds_up_by_any_group_and_shows_what_is_left(house: GatewayHouse) -> None:
    body = on(house, "usage", "--by", "key", "--by", "model", "--json").json
    assert body["by"] == ["key", "model"]
    assert sum(r["calls"] for r in body["rows"]) == body["total"]["calls"]
    assert sum(r["cost_usd"] for r in body["rows"]) == pytest.approx(body["total"]["cost_usd"])
    assert {b["scope"] for b in body["budgets"]} >= {"workspace", "app:default", f"key:{house.intranet.id}"}
    out = on(house, "usage", "--by", "key").out
    assert "intranet chat" in out
    assert "no key" in out
    assert re.search(r"\$0\.00\d+", out)
    days = on(house, "usage", "totals", "--by", "day", "--json").json["rows"]
    assert [r["group"]["day"] for r in days] == sorted(r["group"]["day"] for r in days)
    assert len(days) == 4
    one = on(house, "usage", "--by", "day", "--since", "1d", "--json").json
    assert [r["group"]["day"] for r in one["rows"]] == [datetime.now(UTC).date().isoformat()]


def test_calls_are_listed_and_narrowed(house: GatewayHouse) -> None:
    failed = on(house, "usage", "calls", "--state", "failed", "--json").json["calls"]
    assert failed
    assert {c["state"] for c in failed} == {"failed"}
    own = on(house, "usage", "calls", "--key", "intranet chat", "--json").json["calls"]
    assert {c["key_id"] for c in own} == {house.intranet.id}
    page = on(house, "usage", "calls", "--limit", 2, "--json").json["calls"]
    older = on(house, "usage", "calls", "--limit", 2, "--before", page[-1]["id"], "--json").json["calls"]
    assert len({c["id"] for c in page + older}) == 4
    out = on(house, "usage", "calls", "--model", "play/mini").out
    assert max(len(line) for line in out.splitlines()) <= 80
    assert "cached" in out


def test_a_call_shows_its_attempts_with_reasons_and_failures(house: GatewayHouse) -> None:
    identifier = on(house, "usage", "calls", "--model", "fast", "--json").json["calls"][0]["id"]
    body = on(house, "usage", "call", identifier, "--json").json
    assert [(a["reason"], a["failure"]) for a in body["attempts"]] == [
        ("first", "server_error"),
        ("retry", "server_error"),
        ("fallback", ""),
    ]
    assert body["cost_usd"] == pytest.approx(sum(a["cost_usd"] for a in body["attempts"]))
    out = on(house, "usage", "call", identifier).out
    for words in ("tried again", "fallback", "the provider failed", "HTTP 500", "play/mini"):
        assert words in out


# -- models ----------------------------------------------------------------------------------------------------------
def test_models_are_listed_with_price_source_and_what_is_missing(house: GatewayHouse) -> None:
    body = on(house, "model", "list", "--no-local", "--json").json
    models = {m["id"]: m for m in body["models"]}
    assert models["play/mini"]["price"]["output"] == 20.0
    assert models["play/mini"]["price_source"] == "spec"
    assert models["far/large"]["price"] is None
    assert models["app/default"]["kind"] == "app"
    (far,) = [p for p in body["providers"] if p["name"] == "far"]
    assert "KEY_THAT_NOBODY_SET" in far["problem"]
    assert body["encoders"][0]["name"] == "minilm"
    out = on(house, "model", "list", "--no-local").out
    assert "unknown price" in out
    assert "up to $2.50 in, $20.00 out" in out
    assert "KEY_THAT_NOBODY_SET" in out


def test_without_a_workspace_the_encoders_are_listed(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    body = call("model", "list", "--json").json
    assert body["models"] == []
    assert body["encoders"]


def test_a_check_says_what_works_and_why_not_and_fails_when_one_does(house: GatewayHouse) -> None:
    good = on(house, "model", "check", "play/words", "--json")
    assert good.code == 0
    assert good.json["checks"][0]["supports"] == ["embeddings"]
    bad = on(house, "model", "check", "far")
    assert bad.code == 1
    assert "fails" in bad.out
    assert "1 check of 1 failed" in bad.out


def test_prices_have_date_and_source(house: GatewayHouse) -> None:
    found = on(house, "model", "prices", "--json").json["prices"]
    own = [p for p in found if p["source"] == "spec"]
    assert {p["model"] for p in own} == {"play/mini", "play/flaky"}
    listed = [p for p in found if p["source"] != "spec"]
    assert listed
    assert all(
        re.fullmatch(r"\d{4}(-\d\d){0,2}", p["date"]) and p["source"].startswith("https://") for p in listed
    )
    assert "No price" in on(house, "model", "prices", "--contains", "no such model").out


def test_a_secret_comes_from_standard_input_and_is_never_shown(
    house: GatewayHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("sk-very-secret\n"))
    done = on(house, "model", "secret", "set", "openai")
    assert done.code == 0
    assert "secret:openai" in done.out
    listed = on(house, "model", "secret", "list", "--json")
    assert listed.json == {"secrets": [{"name": "openai", "used_by": []}]}
    assert "sk-very-secret" not in done.out + done.err + listed.out + on(house, "settings").out
    monkeypatch.setattr("sys.stdin", io.StringIO("  \n"))
    empty = on(house, "model", "secret", "set", "openai")
    assert empty.code == 2
    assert "empty" in empty.err
    assert on(house, "model", "secret", "remove", "openai", "--json").json["secrets"] == []


# -- chat ------------------------------------------------------------------------------------------------------------
def test_a_prompt_is_answered_once_with_its_cost(house: GatewayHouse) -> None:
    done = on(house, "chat", "What about trains?", "--model", "play/mini")
    assert done.code == 0
    assert done.out == "Trains are booked in second class; above four hours first class is fine.\n"
    assert re.search(r"play/mini · \d+ \+ \d+ tokens · \$0\.000\d+ · .*call_", done.err)


def test_an_equal_call_comes_from_the_cache_and_says_so(house: GatewayHouse) -> None:
    arguments = ("chat", "Say it twice.", "--model", "play/mini", "--temperature", "0")
    on(house, *arguments)
    assert "from the cache, free" in on(house, *arguments).err
    body = on(house, *arguments, "--json").json
    assert body["call"]["cached"] is True
    assert body["call"]["cost"] == "free"


def test_what_stands_on_standard_input_is_sent(house: GatewayHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("What about trains?"))
    body = on(house, "chat", "--model", "play/mini", "--json").json
    assert body["text"].startswith("Trains are booked")
    assert body["finish"] == "stop"
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert on(house, "chat").code == 2


def test_a_reply_that_breaks_off_is_an_error_after_what_came(house: GatewayHouse) -> None:
    done = on(house, "chat", "Go on.", "--model", "play/cut")
    assert done.code == 1
    assert done.out == "The first words \n"
    assert done.err.startswith("error: ")
    newest = on(house, "usage", "call", "last", "--json").json
    assert newest["state"] == "incomplete"


def heeds_ctrl_c() -> None:
    """A shell starts what runs in its background with Ctrl-C ignored, and children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_cancels_the_call_and_it_is_on_record_as_cancelled(house: GatewayHouse) -> None:
    command = [sys.executable, "-m", "groundwork.cli", "chat", "Count.", "--model", "play/slow"]
    running = subprocess.Popen(
        [*command, "--workspace", str(house.workspace.root)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=heeds_ctrl_c,
    )
    assert running.stdout is not None
    assert running.stdout.read(4) == b"one "
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=30)
    assert running.returncode == 130, err
    assert b"the call was cancelled" in err
    assert on(house, "usage", "call", "last", "--json").json["state"] == "cancelled"


def test_an_app_answers_from_the_documents_with_its_sources(house: GatewayHouse) -> None:
    done = on(house, "chat", "How many days may be carried into the next year?", "-m", "app/default")
    assert "Up to five days may be carried into the next year. [1]" in done.out
    assert "leave.md" in done.out


def test_every_document_is_plain_json(house: GatewayHouse) -> None:
    for arguments in (
        ("key", "list"),
        ("usage",),
        ("usage", "calls"),
        ("usage", "call", "last"),
        ("model", "prices"),
    ):
        json.dumps(on(house, *arguments, "--json").json)
    with house.workspace as workspace:
        assert workspace.keys.list(LOCAL)


def test_a_conversation_goes_on_until_ctrl_d_and_ctrl_c_cancels_one_reply(house: GatewayHouse) -> None:
    import os
    import pty

    controller, terminal = pty.openpty()
    command = [sys.executable, "-m", "groundwork.cli", "chat", "--model", "play/slow"]
    running = subprocess.Popen(
        [*command, "--workspace", str(house.workspace.root)],
        stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True, preexec_fn=heeds_ctrl_c,
        env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip
    os.close(terminal)
    said = b""

    def until(text: bytes) -> None:
        nonlocal said
        while text not in said:
            said += os.read(controller, 4096)
        said = said.partition(text)[2]

    try:
        until(b"Ctrl-D ends")
        until(b"> ")
        os.write(controller, b"Count.\n")
        until(b"one two")
        running.send_signal(signal.SIGINT)
        until(b"it is not part of the conversation")
        until(b"> ")
        os.write(controller, b"Count again.\n")
        until(b"call_")
        until(b"> ")
        os.write(controller, b"\x04")
        until(b"1 reply, $0")
        assert running.wait(30) == 0
    finally:
        running.kill()
        os.close(controller)
    states = [c["state"] for c in on(house, "usage", "calls", "--model", "play/slow", "--json").json["calls"]]
    assert states[:2] == ["done", "cancelled"]


@pytest.mark.parametrize(
    ("scope", "model"),
    [("app:default", "app/default"), ("app:handbook", "app/handbook"), ("model:app/*,app:d*", "app/default")],
)
def test_the_lines_to_paste_ask_for_a_model_that_the_key_may_ask_for(
    house: GatewayHouse, scope: str, model: str
) -> None:
    made = on(house, "key", "create", "--scope", scope, "--json").json
    assert f'model="{model}"' in made["examples"]["openai"]


def test_the_cache_is_counted_and_forgotten(house: GatewayHouse) -> None:
    arguments = ("chat", "Keep this one.", "--model", "play/mini", "--temperature", "0")
    on(house, *arguments)
    on(house, *arguments)
    rows = on(house, "usage", "cache", "--model", "play/mini", "--json").json["rows"]
    assert rows[0]["hits"] >= 1
    assert "play/mini" in on(house, "usage", "cache").out
    cleared = on(house, "usage", "cache", "--model", "play/mini", "--clear", "--json").json
    assert cleared["removed"] == rows[0]["completions"]
    assert "Nothing is cached" in on(house, "usage", "cache", "--model", "play/mini").out
