"""The pages Models, Keys and Usage: what they show, that they need no script, and that text stays text."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from html import unescape
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from starlette.testclient import TestClient

from groundwork.app.workspace import Workspace
from groundwork.core.principal import LOCAL
from groundwork.core.settings import Layer, resolve
from groundwork.server.console import plots
from groundwork.testing.upstream import serving
from tests.console.test_look import _Page
from tests.console.test_pages import _get, _send, _words
from tests.gateway_house import GatewayHouse, make_house
from tests.server.conftest import client_of
from tests.workspaces import light_workspace

HOSTILE = "<img src=x onerror=alert(1)>\"'&"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayHouse]:
    made = make_house(tmp_path_factory.mktemp("house") / "w", days=5)
    yield made
    made.workspace.close()


@pytest.fixture(scope="module")
def client(house: GatewayHouse) -> Iterator[TestClient]:
    with client_of(house.workspace) as made:
        yield made


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[tuple[TestClient, Workspace]]:
    workspace = light_workspace(tmp_path / "w")
    with client_of(workspace) as made:
        yield made, workspace
    workspace.close()


def _call_of(house: GatewayHouse, model: str) -> str:
    return house.workspace.usage.calls(LOCAL, {"model": model}, limit=1)[0].id


def _paths(house: GatewayHouse) -> list[str]:
    return [
        "/models", "/models/try", "/models/try?model=play/mini", "/keys", f"/keys/{house.intranet.id}",
        f"/keys/{house.revoked.id}", f"/keys/{house.intranet.id}/revoke", "/usage", "/usage?by=day&days=7",
        "/usage?by=key&days=1", "/usage?by=app", "/usage/calls", f"/usage/calls?key={house.batch.id}&state=failed",
        "/usage/calls?day=2020-01-01", f"/usage/{_call_of(house, 'fast')}", f"/usage/{_call_of(house, 'app/default')}",
        f"/usage/{_call_of(house, 'play/cut')}",
    ]  # fmt: skip


# -- every page ------------------------------------------------------------------------------------------------------
def test_every_page_can_be_heard_holds_no_script_and_leads_somewhere(
    client: TestClient, house: GatewayHouse
) -> None:
    seen: set[str] = set()
    for path in _paths(house):
        text = _get(client, path)
        page = _Page(text)
        assert len(page.all("h1")) == 1, path
        assert all(n.get("aria-label") for n in page.all("nav")), path
        assert len(page.ids) == len(set(page.ids)), (path, sorted(page.ids))
        assert all(name for _, name in page.names), (path, page.names)
        for field in [*page.all("input"), *page.all("textarea"), *page.all("select")]:
            assert field.get("type") == "hidden" or field.get("id") in page.labels, (path, field)
        assert all(m.get("aria-label") for m in page.all("meter")), path
        levels = [int(t[1]) for t, a in page.tags if re.fullmatch("h[1-6]", t) and a.get("id") != "key-title"]
        assert all(b <= a + 1 for a, b in pairwise(levels)), (path, levels)
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=", text), path
        for tag, a in page.tags:
            assert tag != "th" or a.get("scope"), (path, a)
            for name in ("aria-labelledby", "aria-describedby"):
                assert a.get(name) in (None, *page.ids), (path, tag, a)
            target = str(a.get("href") or "").split("#")[0]
            if tag == "a" and target and target not in seen:
                seen.add(target)
                assert target.startswith("/"), (path, target)
                assert client.get(target, headers={"accept": "text/html"}).status_code == 200, (path, target)
    assert len(seen) > 25


def test_no_page_shows_a_key_or_a_secret(client: TestClient, house: GatewayHouse) -> None:
    house.workspace.secrets.put("openai", "sk-very-secret-value")
    for path in [*_paths(house), "/settings", "/api/settings", "/api/models", "/api/keys"]:
        text = client.get(path).text
        assert house.secret not in text, path
        assert "sk-very-secret-value" not in text, path


# -- keys ------------------------------------------------------------------------------------------------------------
def test_a_key_is_made_on_the_page_shown_once_and_revoked_after_a_question(
    client: TestClient, house: GatewayHouse
) -> None:
    token = re.search(r'name="_token" value="([0-9a-f]+)"', _get(client, "/keys"))
    assert token
    fields = {
        "_token": token[1], "name": "from the page", "may": ["chat", "models"], "only": "app:default, model:play/*",
        "budget_day": "2.5", "budget_total": "100", "rate": "30", "expires": "2099-12-31", "access": "group:hr, user:ann",
    }  # fmt: skip
    made = client.post("/keys", data=fields)
    assert made.status_code == 200
    secret = re.search(r"gw_[0-9A-Za-z]{49}", made.text)
    assert secret
    assert made.headers["cache-control"] == "no-store"
    assert "cannot be shown again" in _words(made.text)
    assert secret[0] not in str(made.url)
    again = _get(client, made.url.raw_path.decode())
    assert secret[0] not in again
    assert "A key is shown once" in _words(again)
    assert f"api_key=&#34;{secret[0]}&#34;" in made.text
    info = house.workspace.keys.get(LOCAL, "from the page")
    assert info.scopes == ("app:default", "chat", "model:play/*", "models")
    assert info.budget_usd == {"day": 2.5, "total": 100.0}
    assert (info.requests_per_minute, info.tokens_per_minute) == (30.0, 0.0)
    assert info.access == ("group:hr", "user:ann")
    assert str(info.expires_at).startswith("2099-12-31T23:59:59")
    page = _get(client, "/keys")
    assert secret[0] not in page
    assert "$0 of $2.50 a day" in _words(page)
    confirm = _get(client, f"/keys/{info.id}/revoke")
    assert "There is no way back" in _words(confirm)
    where = _send(client, f"/keys/{info.id}/revoke", f"/keys/{info.id}/revoke")
    assert "from the page is refused from now on" in _words(_get(client, where))
    assert house.workspace.keys.get(LOCAL, info.id).revoked_at


def test_a_key_is_changed_on_its_page_and_an_untouched_expiry_keeps_its_hour(
    client: TestClient, house: GatewayHouse
) -> None:
    keys = house.workspace.keys
    _, info = keys.create(LOCAL, "to change", expires_at="2099-05-05T07:30:00+00:00", budget_usd={"day": 1})
    page = _get(client, f"/keys/{info.id}")
    assert 'value="2099-05-05"' in page
    assert 'name="budget_day" type="number" min="0" step="any" value="1"' in page
    where = _send(client, f"/keys/{info.id}", f"/keys/{info.id}", name="changed", may="chat", budget_month="40",
                  expires="2099-05-05", access="all")  # fmt: skip
    assert "Changed." in _words(_get(client, where))
    now = keys.get(LOCAL, info.id)
    assert now.name == "changed"
    assert now.scopes == ("chat",)
    assert now.budget_usd == {"month": 40.0}
    assert now.access is None
    assert str(now.expires_at).startswith("2099-05-05T07:30:00")
    _send(client, f"/keys/{info.id}", f"/keys/{info.id}", name="changed", may="chat", expires="")
    assert keys.get(LOCAL, info.id).expires_at is None


@pytest.mark.parametrize(
    "fields",
    [{"may": ""}, {"budget_day": "much"}, {"expires": "tomorrow"}, {"only": "everything"}, {"rate": "-3"}],
)
def test_a_form_that_makes_no_sense_makes_no_key(
    client: TestClient, house: GatewayHouse, fields: dict[str, str]
) -> None:
    before = len(house.workspace.keys.list(LOCAL))
    token = re.search(r'name="_token" value="([0-9a-f]+)"', _get(client, "/keys"))
    assert token
    sent = {"_token": token[1], "name": "never", "may": "chat", **fields}
    assert client.post("/keys", data=sent, headers={"accept": "text/html"}).status_code == 400
    assert len(house.workspace.keys.list(LOCAL)) == before


def test_a_budget_that_is_used_up_is_said_in_words(client: TestClient, house: GatewayHouse) -> None:
    house.workspace.keys.create(LOCAL, "without money", budget_usd={"day": 0.0})
    words = _words(_get(client, "/keys"))
    assert "$0 of $0 a day used up" in words


def test_without_keys_the_page_says_that_none_is_needed_yet(empty: tuple[TestClient, Workspace]) -> None:
    client, workspace = empty
    assert "programs on this machine need none" in _words(_get(client, "/keys"))
    assert "no-key-needed" in _get(client, "/models")
    workspace.keys.create(LOCAL, "first")
    assert "need none" not in _words(_get(client, "/keys"))
    page = _get(client, "/models")
    assert "no-key-needed" not in page
    assert "Every call brings a key" in _words(page)


def test_names_of_keys_and_models_stay_text(client: TestClient, house: GatewayHouse) -> None:
    _, info = house.workspace.keys.create(LOCAL, HOSTILE)
    for path in ("/keys", f"/keys/{info.id}", f"/keys/{info.id}/revoke", f"/models/try?model={HOSTILE}",
                 f"/usage/calls?model={HOSTILE}"):  # fmt: skip
        page = _get(client, path)
        assert "<img src=x" not in page, path
    house.workspace.keys.revoke(LOCAL, info.id)


# -- usage -----------------------------------------------------------------------------------------------------------
def test_usage_shows_totals_plots_and_the_same_in_a_table(client: TestClient, house: GatewayHouse) -> None:
    page = _get(client, "/usage")
    (total,) = house.workspace.usage.totals(LOCAL)
    words = _words(page)
    assert f"calls {total.calls}" in words
    assert page.count('<svg viewBox="0 0 720 96"') == 2
    assert page.count('<rect class="bar"') == 60
    days = house.workspace.usage.totals(LOCAL, by=["day"])
    for row in days:
        assert f"{row.group['day']}: {row.calls} calls, {row.failed} failed" in page
    assert f"/usage/calls?key={house.intranet.id}" in _get(client, "/usage?by=key").replace("&amp;", "&")
    assert "intranet chat" in _words(_get(client, "/usage?by=key"))
    assert "provider=play" in _get(client, "/usage?by=model")


def test_an_unused_gateway_says_how_to_begin(empty: tuple[TestClient, Workspace]) -> None:
    client, _ = empty
    assert "Nothing was called in this time." in _words(_get(client, "/usage"))
    assert "Nothing was called yet." in _words(_get(client, "/usage/calls"))
    assert "No call is like that." in _words(_get(client, "/usage/calls?state=failed"))
    assert "No provider is named" in _words(_get(client, "/models"))


def test_calls_are_paged_and_a_filter_is_in_the_address(client: TestClient, house: GatewayHouse) -> None:
    from groundwork.server.console import usage

    first = _get(client, "/usage/calls")
    rows = re.findall(r'href="(/usage/call_\w+)"', first)
    assert len(rows) == min(usage.PER_PAGE, len(house.workspace.usage.calls(LOCAL, limit=500)))
    failed = _get(client, "/usage/calls?state=failed")
    assert set(re.findall(r'<span class="state \w+">(\w+)</span>', failed)) == {"failed"}
    assert "<option selected>failed</option>" in failed


def test_a_call_shows_its_attempts_as_a_timeline_in_words(client: TestClient, house: GatewayHouse) -> None:
    page = _get(client, f"/usage/{_call_of(house, 'fast')}")
    words = _words(page)
    for said in ("first attempt", "tried again", "fallback", "the provider failed", "HTTP 500", "$0.000"):
        assert said in words
    assert page.count('class="lane"') == 3
    broken = _words(_get(client, f"/usage/{_call_of(house, 'play/cut')}"))
    assert "The reply broke off" in broken
    cached = next(c for c in house.workspace.usage.calls(LOCAL, limit=500) if c.cached)
    said = _words(_get(client, f"/usage/{cached.id}"))
    assert "It cost nothing" in said
    assert "from the cache" in said


def test_a_call_of_an_app_leads_to_its_answer(client: TestClient, house: GatewayHouse) -> None:
    page = _get(client, f"/usage/{_call_of(house, 'app/default')}")
    link = re.search(r'href="(/answers/ans_\w+)"', page)
    assert link
    assert "Up to five days" in _get(client, link[1])


# -- models ----------------------------------------------------------------------------------------------------------
def test_models_stand_with_price_source_provider_and_the_lines_to_paste(client: TestClient) -> None:
    page = _get(client, "/models")
    words = _words(page)
    for said in ("$2.50 in, $20.00 out", "groundwork.toml", "unknown price", "up to $2.50 in", "KEY_THAT_NOBODY_SET",
                 "http://127.0.0.1:8700/v1", "LangChain", "Open WebUI"):  # fmt: skip
        assert said in words, said


def test_a_check_on_the_page_says_what_works_and_stays_until_the_next(client: TestClient) -> None:
    where = _send(client, "/models", "/models/check")
    assert where == "/models"
    words = _words(_get(client, "/models"))
    assert "models of" in words
    assert "failed." in words
    assert "embeddings" in words


def test_a_model_is_tried_without_any_script_and_leads_to_its_record(client: TestClient) -> None:
    token = re.search(r'name="_token" value="([0-9a-f]+)"', _get(client, "/models/try"))
    assert token
    sent = {
        "_token": token[1],
        "model": "play/mini",
        "prompt": "What about <b>trains</b>?",
        "temperature": "0",
    }
    answered = client.post("/models/try", data=sent)
    page = answered.text
    assert _words(_get(client, answered.url.raw_path.decode())) == _words(page)
    words = _words(page)
    assert "The reply is no longer here" in _words(_get(client, "/models/try?shown=nothing"))
    assert "Trains are booked in second class" in words
    assert "play/mini" in words
    assert "$0.000" in words
    assert "&lt;b&gt;trains" in page
    link = re.search(r'href="(/usage/call_\w+)"', page)
    assert link
    assert "done" in _words(_get(client, link[1]))
    assert "from the cache" in _words(client.post("/models/try", data=sent).text)
    failed = client.post("/models/try", data={**sent, "model": "far/large"}, headers={"accept": "text/html"})
    assert failed.status_code == 200
    assert "It did not work" in _words(failed.text)
    assert 'href="/problems/upstream_failed"' in failed.text
    record = re.search(r'href="(/usage/call_\w+)"', failed.text)
    assert record
    assert "the provider refused its key" in _words(_get(client, record[1]))
    unknown = client.post(
        "/models/try", data={**sent, "model": "nobody/nothing"}, headers={"accept": "text/html"}
    )
    assert 'href="/problems/model_not_found"' in unknown.text
    assert "/usage/call_" in unknown.text  # a refused call is on record too
    app = client.post(
        "/models/try", data={**sent, "model": "app/default", "prompt": "How many days may be carried over?"}
    )
    assert re.search(r'href="/answers/ans_\w+"', app.text)


def test_a_local_server_that_answers_is_offered_with_the_lines_that_add_it(
    empty: tuple[TestClient, Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, workspace = empty
    with serving() as upstream:
        port = urlsplit(upstream.url).port
        assert port
        monkeypatch.setattr("groundwork.gateway.discovery.PLACES", {"ollama": port, "vllm": 1})
        page = _get(client, "/models")
        assert "Ollama at" in _words(page)
        lines = re.search(r'id="found-1"[^>]*><code>(.*?)</code>', page, re.DOTALL)
        assert lines
        added = unescape(lines[1])
        spec = workspace.root / "groundwork.toml"
        spec.write_text(f"{spec.read_text()}\n{added}\n")
        assert resolve([Layer("groundwork.toml", tomllib.loads(spec.read_text()))])
        with Workspace.open(workspace.root) as again, client_of(again) as served:
            page = _words(_get(served, "/models"))
            assert "Named in the spec as ollama" in page
            assert "ollama/small" in page
            token = re.search(r'name="_token" value="([0-9a-f]+)"', _get(served, "/models/try"))
            assert token
            sent = {"_token": token[1], "model": "ollama/small", "prompt": "Hello"}
            words = _words(served.post("/models/try", data=sent).text)
            assert "The record of this call" in words
            assert "$0" in words


# -- plots -----------------------------------------------------------------------------------------------------------
def test_the_tallest_day_fits_and_a_small_one_can_be_seen() -> None:
    drawn = plots.daily(["2026-11-01", "2026-11-02", "2026-11-03"], [0.0, 0.001, 730.0], lambda v: f"{v:g}")
    assert drawn.top == "800"
    assert drawn.bars[0].height == 0
    assert drawn.bars[1].height == 1.5
    assert 0 < drawn.bars[2].y < drawn.height
    assert all(b.y + b.height == pytest.approx(drawn.height) for b in drawn.bars)
    assert drawn.ticks == ("11-01", "11-02", "11-03")
    assert plots.daily([], [], str).bars == ()


@pytest.mark.parametrize(
    ("start", "length", "whole", "left", "wide"),
    [
        (0, 50, 100, 0, 50),
        (50, 50, 100, 50, 50),
        (99.9, 0, 100, 99.5, 0.5),
        (0, 0, 0, 0, 100),
        (90, 500, 100, 90, 10),
    ],
)
def test_a_part_of_a_timeline_never_leaves_it(
    start: float, length: float, whole: float, left: float, wide: float
) -> None:
    found = plots.stretch(start, length, whole)
    assert (found.left, found.wide) == (left, wide)
