"""Pages of traces over HTTP: lists with filters in the address, records, spans, comparison, sessions, feedback, files."""

from __future__ import annotations

import gzip
import json
import re
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from groundwork.core.principal import LOCAL, Principal
from groundwork.server import static
from groundwork.server.permissions import LoopbackOwner
from groundwork.telemetry.types import Query
from tests.console import sample_traces as samples
from tests.console.sample_traces import HOSTILE, span_id, trace_id
from tests.server.conftest import client_of
from tests.server.fake_workspace import FakeWorkspace


class Elements(HTMLParser):
    """What a browser makes of a page: where things are loaded from, where links lead, which attributes there are."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.sources: list[tuple[str, str]] = []
        self.links: list[str] = []
        self.names: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.names |= set(found)
        if "src" in found or tag in ("script", "iframe", "object", "embed"):
            self.sources.append((tag, found.get("src", "")))
        if tag == "a":
            self.links.append(found.get("href", ""))


PAGE = {"accept": "text/html"}
ANSWER, AGENT = trace_id("answer"), trace_id("agent")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeWorkspace]:
    made = FakeWorkspace(tmp_path_factory.mktemp("house"))
    made.telemetry.store.add(LOCAL.tenant, samples.sample_spans())
    yield made
    made.close()


@pytest.fixture(scope="module")
def browsing(house: FakeWorkspace) -> Iterator[TestClient]:
    with client_of(house) as made:
        yield made


def get(client: TestClient, path: str, status: int = 200, **headers: str) -> str:
    response = client.get(path, headers={**PAGE, **headers})
    assert response.status_code == status, response.text
    return response.text


def words(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def send(client: TestClient, page: str, path: str, **fields: str) -> str:
    token = re.search(r'name="_token" value="([0-9a-f]+)"', get(client, page))
    assert token
    response = client.post(path, data={"_token": token[1], **fields}, follow_redirects=False)
    assert response.status_code == 303, response.text
    return response.headers["location"]


def titles(page: str) -> list[str]:
    return re.findall(r'<a class="line-title" href="/traces/[0-9a-f]{32}">([^<]*)</a>', page)


# -- the list -----------------------------------------------------------------------------------------------------------
def test_the_list_says_what_each_trace_is_how_it_went_and_what_it_cost(browsing: TestClient) -> None:
    said = words(get(browsing, "/traces"))
    assert "answer handbook answer handbook for ann@example.com" in said
    assert "How many days may be carried into the next year? → Up to five days" in said
    assert "1 span failed" in said
    assert "1.48 s" in said
    assert "1,216 + 38" in said
    assert "$0.000377" in said
    assert "root not here yet" in said


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("app=handbook", ["answer handbook"]),
        ("status=error&order=slowest", ["plan a trip", "answer handbook"]),
        ("user=ben", ["plan a trip"]),
        ("text=lisbon", ["plan a trip"]),
        ("text=carried+yea", ["answer handbook"]),
        ("model=claude-sonnet-5", ["plan a trip"]),
        ("kind=tool", ["plan a trip"]),
        ("session=ses_kitchen", ["chat", "chat", "chat"]),
        ("answer=ans_0003", ["answer handbook"]),
        ("min_ms=8000", ["plan a trip"]),
        ("min_usd=0.01", ["plan a trip"]),
        ("prompt=answer%409a07c41bdeadbeef", ["answer handbook"]),
        ("environment=staging", ["plan a trip"]),
        ("since=1h&status=error&user=ben", ["plan a trip"]),
        ("until=2001-01-01", []),
    ],
)
def test_filters_in_the_address_narrow_the_list(browsing: TestClient, query: str, found: list[str]) -> None:
    shown = [t for t in titles(get(browsing, f"/traces?{query}")) if not t.startswith("&lt;")]
    assert shown == found


def test_older_pages_are_reached_by_links_alone(browsing: TestClient) -> None:
    seen: list[str] = []
    path = "/traces"
    for _ in range(5):
        page = get(browsing, path)
        seen += re.findall(r'class="line-title" href="/traces/([0-9a-f]{32})"', page)
        older = re.search(r'<a href="(/traces\?[^"]*cursor=[^"]*)">Older</a>', page)
        if not older:
            break
        path = older[1].replace("&amp;", "&")
    assert len(seen) == len(set(seen)) == 67


def test_filters_in_force_can_be_taken_away_one_by_one(browsing: TestClient) -> None:
    page = get(browsing, "/traces?app=handbook&status=error")
    chips = re.findall(r'<li><a href="([^"]*)"><span class="soft">(\w+)</span>', page)
    assert ("/traces?status=error", "app") in chips
    assert ("/traces?app=handbook", "outcome") in chips


def test_values_are_offered_with_the_number_of_their_traces(browsing: TestClient) -> None:
    page = get(browsing, "/traces")
    assert '<option value="default">default · 60</option>' in page
    assert '<option value="claude-sonnet-5">claude-sonnet-5 · 1</option>' in page


def test_a_filter_that_cannot_be_read_takes_nothing_away(browsing: TestClient) -> None:
    page = get(browsing, "/traces?min_ms=fast&app=handbook")
    assert "`fast` is no amount" in words(page)
    assert titles(page) == ["answer handbook"]
    assert get(browsing, "/traces?cursor=nonsense", 400)


def test_the_list_moves_only_when_asked_to(browsing: TestClient) -> None:
    assert "hx-trigger" not in get(browsing, "/traces?app=handbook")
    live = get(browsing, "/traces?app=handbook&live=1")
    assert 'hx-trigger="every 2s"' in live
    assert 'hx-get="/traces?app=handbook&amp;live=1"' in live
    part = get(browsing, "/traces?app=handbook&live=1", **{"hx-request": "true", "hx-target": "trace-list"})
    assert part.lstrip().startswith('<div id="trace-list"')
    assert titles(part) == ["answer handbook"]


def test_a_view_is_saved_shown_and_forgotten(browsing: TestClient) -> None:
    where = send(
        browsing,
        "/traces?status=error",
        "/traces/views",
        name="What failed",
        query="status=error",
        shared="1",
    )
    assert where == "/traces?status=error"
    page = get(browsing, "/traces")
    assert '<a href="/traces?status=error">What failed</a>' in page
    assert 'aria-current="page">What failed' in get(browsing, "/traces?status=error")
    delete = re.search(r'action="(/traces/views/[^"]+/delete)"', page)
    assert delete
    send(browsing, "/traces", delete[1], query="")
    assert "What failed" not in get(browsing, "/traces")


def test_an_empty_room_says_how_to_get_traces(tmp_path: object) -> None:
    with client_of(FakeWorkspace(tmp_path, empty=True)) as client:  # type: ignore[arg-type]
        page = get(client, "/traces")
    assert len(re.findall(r"<li>\s*<h2>", page)) == 3
    assert "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=&#34;http://127.0.0.1:8700/v1/traces&#34;" in page
    assert 'href="/models/try"' in page
    assert 'type="file"' in page


# -- files --------------------------------------------------------------------------------------------------------------
def upload(client: TestClient, name: str, content: bytes) -> str:
    token = re.search(r'name="_token" value="([0-9a-f]+)"', get(client, "/traces"))
    assert token
    response = client.post(
        "/traces/uploads",
        data={"_token": token[1]},
        files={"files": (name, content)},
        headers=PAGE,
        follow_redirects=True,
    )
    return f"{response.status_code} {words(response.text)}"


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_of_spans_is_brought_in_and_said_what_came_of_it(tmp_path: object, packed: bool) -> None:
    now = str(time.time_ns())
    spans = [
        {
            "traceId": "5" * 32,
            "spanId": "6" * 16,
            "name": "from a file",
            "startTimeUnixNano": now,
            "endTimeUnixNano": now,
        }
    ]
    content = (
        json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).encode() + b'\n{"what": 1}\n'
    )
    house = FakeWorkspace(tmp_path, empty=True)  # type: ignore[arg-type]
    with client_of(house) as client:
        said = upload(client, "spans.jsonl", gzip.compress(content) if packed else content)
        assert "1 span of 1 trace stored" in said
        assert "1 record could not be read" in said
        assert "record 2: no importer knows a record with the names what" in said
        assert "from a file" in said
        assert "1 were here already" in upload(client, "spans.jsonl", content)
    house.close()


@pytest.mark.parametrize(
    ("name", "content", "status"),
    [
        ("x.json", b"\xff\xfe no", 400),
        ("x.json.gz", b"\x1f\x8b broken", 400),
        ("x.json", b"[" * 100_000, 400),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_words(
    browsing: TestClient, name: str, content: bytes, status: int
) -> None:
    said = upload(browsing, name, content)
    assert said.startswith(str(status)), said
    assert "What to do" in said


def test_a_file_that_unpacks_to_very_much_is_refused(
    browsing: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("groundwork.server.console.trace_uploads.MAX_BYTES", 100_000)
    assert upload(browsing, "x.json.gz", gzip.compress(b"[" + b" " * 10_000_000)).startswith("413")


# -- the record ---------------------------------------------------------------------------------------------------------
def test_a_record_says_what_it_is_and_stands_on_its_versions(browsing: TestClient) -> None:
    page = get(browsing, f"/traces/{ANSWER}")
    said = words(page)
    assert "An answer of handbook: How many days may be carried into the next year?" in said
    for href in (
        'href="/answers/ans_0003" title="answer ans_0003"',
        'href="/prompts/answer@9a07c41bdead"',
        'href="/knowledge/default@5f1c22ab90ff"',
        'href="/traces?model=gpt-5-mini"',
        'href="/traces?release=rel_2026_11"',
        'href="/sessions/con_leave"',
    ):
        assert href in page, href
    assert re.findall(r'data-depth="(\d)"', page) == ["0", "1", "2", "2", "2", "1", "2", "2", "1"]
    assert "began after 110 ms, took 1.29 s, 25 ms of it by itself; the trace waited for it" in page


def test_a_trace_can_be_taken_away_as_a_file(browsing: TestClient) -> None:
    links = re.findall(
        r'href="(/api/traces/[^"]+/export\?format=\w+)" download', get(browsing, f"/traces/{ANSWER}")
    )
    assert len(links) == 2
    for link in links:
        response = browsing.get(link)
        assert response.status_code == 200
        assert "chat gpt-5-mini" in response.text


def test_a_short_id_is_enough_and_a_wrong_one_says_so(browsing: TestClient) -> None:
    assert "An answer of handbook" in get(browsing, f"/traces/{ANSWER[:8]}")
    assert "There is nothing here" in get(browsing, "/traces/ffffffffffff", 404)
    assert get(browsing, f"/traces/{ANSWER}/spans/{'0' * 16}", 404)


def test_a_span_shows_messages_tokens_events_and_where_it_belongs(browsing: TestClient) -> None:
    page = get(browsing, f"/traces/{ANSWER}/spans/{span_id(ANSWER, 'chat gpt-5-mini')}")
    panel = page[page.index('id="panel"') : page.index('class="after-trace"')]
    said = words(panel)
    assert "Answer from the passages alone. Cite each sentence." in said
    assert "<strong>Up to five days may be carried into the next year</strong>" in panel
    for figure in (
        "first token 412 ms",
        "tokens read 1,204",
        "of them cached 1,024",
        "tokens written 38",
        "cost $0.000377",
    ):
        assert figure in said
    assert "first token after 412 ms" in said
    assert 'href="/usage/call_1"' in panel
    assert "gen_ai.request.temperature" in said
    download = re.search(r'href="(/api/traces/[^"]+)" download', panel)
    assert download
    assert browsing.get(download[1]).json()["name"] == "chat gpt-5-mini"


def test_found_passages_lead_to_their_place_in_the_document(browsing: TestClient) -> None:
    page = get(browsing, f"/traces/{ANSWER}/spans/{span_id(ANSWER, 'search default')}")
    assert "2 passages found" in words(page)
    assert (
        "/knowledge/default/documents/doc_leave?snapshot=5f1c22ab90ff&amp;start=100&amp;end=150#span" in page
    )
    assert "score 0.910" in words(page)


def test_a_tool_shows_what_it_was_asked_and_a_failure_where_it_happened(browsing: TestClient) -> None:
    said = words(get(browsing, f"/traces/{AGENT}/spans/{span_id(AGENT, 'book')}"))
    assert "card declined" in said
    assert "{ &#34;no&#34;: &#34;TP571&#34; }" in said
    failed = get(browsing, f"/traces/{ANSWER}/spans/{span_id(ANSWER, 'attempt 1')}")
    assert "UpstreamError" in failed
    assert "Where it happened" in failed


def test_the_page_itself_asks_for_the_panel_alone_and_going_back_for_everything(browsing: TestClient) -> None:
    path = f"/traces/{ANSWER}/spans/{span_id(ANSWER, 'rerank')}"
    part = get(browsing, path, **{"hx-request": "true", "hx-target": "panel"})
    assert part.lstrip().startswith('<article id="panel"')
    whole = get(
        browsing, path, **{"hx-request": "true", "hx-target": "panel", "hx-history-restore-request": "true"}
    )
    assert "<!doctype html>" in whole


def test_what_failed_and_what_holds_words_is_found_within_a_trace(browsing: TestClient) -> None:
    failed = get(browsing, f"/traces/{AGENT}?errors=1")
    assert re.findall(r'class="span-name">([^<]*)<', failed) == [
        "plan a trip",
        "turn 2",
        "book",
        "POST /payments",
    ]
    found = get(browsing, f"/traces/{AGENT}?find=flight")
    assert "find_flight" in re.findall(r'class="span-name">([^<]*)<', found)
    assert "No span is like that." in words(get(browsing, f"/traces/{AGENT}?find=zebra"))


def test_a_trace_without_its_root_is_shown_and_says_so(browsing: TestClient) -> None:
    said = words(get(browsing, f"/traces/{trace_id('rootless')}"))
    assert "The root of this trace has not arrived" in said
    assert "its parent never came" in said


# -- comparison, sessions -----------------------------------------------------------------------------------------------
def test_two_ticked_rows_are_compared_at_an_address_that_stays(browsing: TestClient) -> None:
    moved = browsing.get(f"/traces/compare?pick={ANSWER}&pick={AGENT}", follow_redirects=False)
    assert moved.headers["location"] == f"/traces/compare?a={ANSWER}&b={AGENT}"
    page = get(browsing, moved.headers["location"])
    assert "<mark>1.48 s</mark>" in page
    assert "<mark>8.40 s</mark>" in page
    assert "only here" in page
    for wrong in ("?pick=a", f"?a={ANSWER}", ""):
        assert "two" in words(get(browsing, f"/traces/compare{wrong}", 400))
    assert get(browsing, f"/traces/compare?a={ANSWER}&b={'0' * 32}", 404)


def test_equal_traces_have_nothing_marked(browsing: TestClient) -> None:
    page = get(browsing, f"/traces/compare?a={ANSWER}&b={ANSWER}")
    assert "<mark>" not in page[page.index("<main") :]


def test_a_session_is_a_conversation_with_the_trace_of_each_turn(browsing: TestClient) -> None:
    assert "What can I cook with lentils?" in words(get(browsing, "/sessions"))
    page = get(browsing, "/sessions/ses_kitchen")
    said = words(page)
    assert said.index("What can I cook") < said.index("The dal, please") < said.index("And without onions?")
    assert len(titles(page)) == 3
    assert get(browsing, "/sessions/nothing", 404)
    assert "plan a trip" not in words(get(browsing, "/sessions?user=cleo"))


# -- feedback -----------------------------------------------------------------------------------------------------------
def test_a_thumb_is_given_changed_and_taken_back(browsing: TestClient, house: FakeWorkspace) -> None:
    page = f"/traces/{AGENT}"
    assert send(browsing, page, "/feedback", kind="thumb", value="down", trace_id=AGENT) == f"{page}#feedback"
    assert 'value="down" aria-pressed="true"' in get(browsing, page)
    assert titles(get(browsing, "/traces?feedback=down")) == ["plan a trip"]
    send(browsing, page, "/feedback", kind="thumb", value="up", trace_id=AGENT)
    assert titles(get(browsing, "/traces?feedback=down")) == []
    back = re.search(r'action="(/feedback/[^"]+/withdraw)"', get(browsing, page))
    assert back
    send(browsing, page, back[1], trace_id=AGENT)
    assert 'aria-pressed="true"' not in get(browsing, page)


def test_what_an_answer_should_have_said_is_kept_with_it_and_shown_on_its_trace(
    browsing: TestClient, house: FakeWorkspace
) -> None:
    page = "/answers/ans_0003"
    assert (
        send(
            browsing,
            page,
            "/feedback",
            kind="correction",
            text="Three days <b>only</b>.",
            answer_id="ans_0003",
        )
        == f"{page}#feedback"
    )
    send(browsing, page, "/feedback", kind="label", value="wrong number", answer_id="ans_0003")
    send(browsing, page, "/feedback", kind="golden", text="Five days.", answer_id="ans_0003")
    shown = get(browsing, page)
    assert "Three days &lt;b&gt;only&lt;/b&gt;." in shown
    assert "wrong number" in shown
    kinds = {f.kind for f in house.telemetry.feedback.of_answer(LOCAL, "ans_0003")}
    assert kinds == {"correction", "label", "golden"}


def test_a_golden_example_begins_with_what_came_out(browsing: TestClient) -> None:
    page = get(browsing, f"/traces/{AGENT}")
    assert re.search(r'name="text"[^>]*>I could not book it: the card was declined\.</textarea>', page)


@pytest.mark.parametrize(
    "fields", [{"kind": "praise"}, {"kind": "thumb", "value": "sideways"}, {"kind": "comment"}]
)
def test_feedback_that_makes_no_sense_is_refused_in_words(
    browsing: TestClient, fields: dict[str, str]
) -> None:
    token = re.search(r'name="_token" value="([0-9a-f]+)"', get(browsing, f"/traces/{AGENT}"))
    assert token
    response = browsing.post(
        "/feedback", data={"_token": token[1], "trace_id": AGENT, **fields}, headers=PAGE
    )
    assert response.status_code == 400
    assert "What to do" in response.text


def test_an_answer_shows_how_it_came_about_and_leads_to_its_trace(browsing: TestClient) -> None:
    page = get(browsing, "/answers/ans_0003")
    assert "How it came about, in 1.48 s" in words(page)
    assert f'href="/traces/{ANSWER}/spans/{span_id(ANSWER, "chat gpt-5-mini")}"' in page
    assert "How it came about" not in words(get(browsing, "/answers/ans_0002"))


# -- hostile, others ----------------------------------------------------------------------------------------------------
def test_nothing_that_a_sender_wrote_becomes_a_part_of_a_page(browsing: TestClient) -> None:
    hostile = trace_id("hostile")
    paths = [
        "/traces",
        f"/traces/{hostile}",
        f"/traces/compare?a={hostile}&b={ANSWER}",
        "/sessions",
        f"/sessions/{quote(HOSTILE, safe='')}",
        f"/search?q={quote(HOSTILE)}",
    ]
    paths += [
        f"/traces?{name}={quote(HOSTILE)}"
        for name in ("text", "app", "user", "model", "since", "min_ms", "order", "cursor", "live", "brought")
    ]
    for path in paths:
        response = browsing.get(path, headers=PAGE)
        assert response.status_code < 500, path
        page = Elements(response.text)
        assert {src for tag, src in page.sources if tag != "script"} <= {static.address("mark.svg")}, path
        assert all(src.startswith("/static/") for _, src in page.sources), path
        assert not [name for name in page.names if name.startswith("on") or name == "style"], path
        assert all(href.startswith(("/", "#")) or href == "" for href in page.links), path


def test_people_see_their_own_traces_alone_and_no_rooms_that_are_closed_to_them(house: FakeWorkspace) -> None:
    class Ann(LoopbackOwner):
        def principal(self, request: object) -> Principal:
            return Principal(name="user:ann")

        def allows(self, principal: Principal, permission: str) -> bool:
            return permission not in ("keys.read", "documents.read")

    with client_of(house, doorkeeper=Ann()) as client:
        assert titles(get(client, "/traces")) == []
        assert get(client, f"/traces/{ANSWER}", 404)
        assert get(client, "/sessions/ses_kitchen", 404)
        assert get(client, f"/traces/compare?a={ANSWER}&b={AGENT}", 404)
        assert "plan a trip" not in get(client, "/search?q=lisbon")


def test_the_list_asks_the_store_for_one_page_alone(house: FakeWorkspace) -> None:
    assert len(house.telemetry.reader.traces(LOCAL, Query(), limit=50).items) == 50
