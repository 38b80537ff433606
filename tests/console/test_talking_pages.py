"""The pages of generated answers: who wrote them, what no quote supports, what was asked and said, and conversations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

import pytest
from starlette.testclient import TestClient

from groundwork.app.workspace import Workspace
from groundwork.core.principal import LOCAL
from tests.console.talking_house import FOLLOWING, LEAVE, STANDALONE, talking_house
from tests.console.test_look import _Page
from tests.console.test_pages import PAGE, _get, _send, _words
from tests.server.conftest import client_of


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with talking_house(tmp_path_factory.mktemp("talking")) as made:
        yield made


@pytest.fixture(scope="module")
def client(house: Workspace) -> Iterator[TestClient]:
    with client_of(house) as made:
        yield made


@pytest.fixture(scope="module")
def marked(client: TestClient) -> str:
    """The address of an answer that shows an unsupported sentence."""
    return _send(client, "/", "/ask", question=LEAVE, app="default")


@pytest.fixture(scope="module")
def following(client: TestClient, marked: str) -> str:
    """The address of the next answer of the same conversation."""
    conversation = client.get(f"/api{marked}").json()["conversation"]
    return _send(client, marked, "/ask", question=FOLLOWING, app="default", conversation=conversation)


def test_a_sentence_that_no_quote_supports_is_marked_in_words_and_by_style(
    client: TestClient, marked: str
) -> None:
    page = _get(client, marked)
    bare = re.search(r'<span class="sentence bare"[^>]*>(.*?)</span></span>', page, re.DOTALL)
    assert bare
    assert _words(bare[0]) == "They also get a &lt;b&gt;free&lt;/b&gt; car. no quote supports this"
    assert "[unsupported]" not in page
    assert "1 of 3 sentences has no source" in _words(page)


def test_the_record_says_which_model_wrote_it_and_what_that_cost(
    client: TestClient, house: Workspace, marked: str
) -> None:
    page = _get(client, marked)
    words = _words(page)
    assert "Written by lab/model" in words
    (call,) = house.usage.calls(LOCAL, {"answer": marked.rsplit("/", 1)[1]})
    assert f'href="/usage/{call.id}"' in page
    assert f"{call.input_tokens:,} read, {call.output_tokens:,} written" in words
    assert f"/usage/calls?answer={marked.rsplit('/', 1)[1]}" in page
    assert re.search(r"\$0\.00\d+", words)
    pin = re.search(r'href="(/prompts/answer@[0-9a-f]{12})"', page)
    assert pin
    assert "answer" in _words(_get(client, pin[1]))


def test_what_was_left_out_stands_behind_a_disclosure_with_the_reason(client: TestClient) -> None:
    page = _get(client, _send(client, "/", "/ask", question=LEAVE, app="strict"))
    closed = re.search(r'<details class="others removed">(.*?)</details>', page, re.DOTALL)
    assert closed
    words = _words(closed[0])
    assert words.startswith("1 sentence left out: no quote supports it They also get a")
    assert "support 0." in words
    assert "<b>" not in page
    assert 'class="sentence bare"' not in page


def test_an_answer_that_was_cut_off_says_so_plainly(client: TestClient) -> None:
    words = _words(_get(client, _send(client, "/", "/ask", question=LEAVE, app="cut")))
    assert "Incomplete: the model was cut off" in words
    assert "This answer is incomplete" in words


def test_when_the_extractive_reader_stood_in_the_record_says_why(client: TestClient) -> None:
    page = _get(client, _send(client, "/", "/ask", question=LEAVE, app="down"))
    words = _words(page)
    call = re.search(r'href="(/usage/call_\w+)"', page)
    assert call
    assert "the provider is overloaded" in _words(_get(client, call[1]))
    assert "The extractive reader stood in: no model answered" in words
    assert "lab/down did not answer" in words
    assert "Every employee has 28 days" in words


def test_a_cascade_shows_every_call_and_why_it_was_made(client: TestClient) -> None:
    words = _words(_get(client, _send(client, "/", "/ask", question=LEAVE, app="steps")))
    assert "Written by lab/model, after 1 other call" in words
    assert "asked because the one before was not sure enough" in words
    assert "not sure enough (0.00 under 0.30)" in words


def test_an_answer_without_a_model_has_nothing_of_all_that(client: TestClient) -> None:
    where = _send(client, "/", "/ask", question=LEAVE, app="quoting")
    for path in (where, f"{where}/explain", f"{where}/replay"):
        words = _words(_get(client, path))
        for never in ("Who wrote it", "What was asked and said", "Ask the models again", "Tokens"):
            assert never not in words, (path, never)


def test_explain_shows_sentences_with_scores_passages_with_tokens_and_what_was_asked_and_said(
    client: TestClient, marked: str
) -> None:
    page = _get(client, f"{marked}/explain")
    words = _words(page)
    for said in ("Each sentence against the passages", "shown, unsupported", "What the model was shown",
                 "of 3,000 allowed", "What it was asked: 2 parts", "What it said, before it was checked"):  # fmt: skip
        assert said in words, said
    parts = re.findall(r'<p class="prompt-text">(.*?)</p>', page, re.DOTALL)
    assert any("&lt;passage&gt;" in p and LEAVE in p for p in parts)
    assert any("&lt;b&gt;free&lt;/b&gt; car [1]." in p for p in parts)
    assert "sentence 1 is supported" not in words.split("Each sentence")[0].split("Scores against")[1]


def test_a_live_replay_warns_of_its_cost_and_shows_agreement_with_intervals(
    client: TestClient, marked: str
) -> None:
    page = _get(client, f"{marked}/replay")
    assert "no model was asked" in _words(page)
    assert "This costs money." in _words(page)
    where = _send(client, f"{marked}/replay", f"{marked}/replay-live", runs="3")
    words = _words(_get(client, where.split("#")[0]))
    assert "3 of 3 runs gave the same text" in words
    assert "the same text 1.00 0.44 to 1.00 3" in words
    assert "So few runs say little" in words
    assert "The figures are no longer here" in _words(_get(client, f"{marked}/replay?live=nothing"))
    token = re.search(r'name="_token" value="([0-9a-f]+)"', page)
    assert token
    for runs in ("0", "21", "-1", "many", "", "1e9"):
        sent = client.post(f"{marked}/replay-live", data={"_token": token[1], "runs": runs}, headers=PAGE)
        assert sent.status_code == 400, runs


def test_one_goes_on_from_an_answer_and_sees_what_was_searched_for(
    client: TestClient, marked: str, following: str
) -> None:
    page = _get(client, following)
    words = _words(page)
    assert f"the question was understood as “{STANDALONE}”" in words
    assert f'href="{marked}">{LEAVE}</a>' in page
    assert "Said before" in words
    assert "to understand the question within its conversation" in words
    earlier = _get(client, marked)
    assert "The conversation went on" in _words(earlier)
    assert f'href="{following}"' in earlier
    explained = _words(_get(client, f"{following}/explain"))
    assert "cannot be put together again" not in explained
    assert explained.count("What it was asked") == 2


def test_a_conversation_has_its_page_its_turns_and_the_next_question(
    client: TestClient, marked: str, following: str
) -> None:
    listed = _get(client, "/conversations")
    where = re.search(r'href="(/conversations/con_\w+)">' + re.escape(LEAVE), listed)
    assert where
    conversation = client.get(f"/api{following}").json()["conversation"]
    page = _get(client, f"/conversations/{conversation}")
    assert page.index(marked) < page.index(following)
    assert f"searched for “{STANDALONE}”" in _words(page)
    assert f'name="conversation" value="{conversation}"' in page
    assert _get(client, "/conversations/con_nothing", 404)
    again = _send(
        client, f"/conversations/{conversation}", "/ask", question="Thanks", conversation=conversation
    )
    assert client.get(f"/api{again}").json()["conversation"] == conversation


def test_pages_of_generated_answers_can_be_heard_hold_no_script_and_lead_somewhere(
    client: TestClient, marked: str, following: str
) -> None:
    conversation = client.get(f"/api{following}").json()["conversation"]
    seen: set[str] = set()
    for path in (marked, following, f"{following}/explain", f"{following}/replay", "/conversations",
                 f"/conversations/{conversation}"):  # fmt: skip
        text = _get(client, path)
        page = _Page(text)
        assert len(page.ids) == len(set(page.ids)), (path, sorted(page.ids))
        assert all(name for _, name in page.names), (path, page.names)
        assert len(page.all("h1")) == 1, path
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\bsrc=)|<b>", text), path
        levels = [
            int(t[1]) for t, a in page.tags if re.fullmatch(r"h[1-6]", t) and a.get("id") != "key-title"
        ]
        assert all(b <= a + 1 for a, b in pairwise(levels)), (path, levels)
        for field in [*page.all("input"), *page.all("textarea")]:
            assert field.get("type") == "hidden" or field.get("id") in page.labels, (path, field)
        for tag, a in page.tags:
            assert tag != "th" or a.get("scope"), (path, a)
            assert a.get("aria-labelledby") in (None, *page.ids), (path, a)
            if str(a.get("href", "")).startswith("#"):
                assert str(a["href"])[1:] in page.ids, (path, a)
            elif tag == "a":
                seen.add(str(a["href"]).split("#")[0])
    for target in seen:
        assert client.get(target, headers=PAGE).status_code == 200, target


def test_an_erased_answer_still_has_its_page(tmp_path_factory: pytest.TempPathFactory) -> None:
    with talking_house(tmp_path_factory.mktemp("erased")) as house, client_of(house) as client:
        where = _send(client, "/", "/ask", question=LEAVE, app="default")
        conversation = client.get(f"/api{where}").json()["conversation"]
        house.erase([d.id for d in house.documents()[0]])
        for path in (where, f"{where}/explain", f"{where}/replay", "/", "/answers", "/conversations",
                     f"/conversations/{conversation}"):  # fmt: skip
            page = _get(client, path)
            assert LEAVE not in page, path
            assert all(name for _, name in _Page(page).names), path
