"""Search over everything: ids go straight to their page, words find records by room, and nobody finds what is not theirs."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from groundwork.core.principal import LOCAL, Principal
from groundwork.server.permissions import LoopbackOwner
from tests.console.sample_traces import sample_spans, trace_id
from tests.gateway_house import GatewayHouse, make_house
from tests.server.conftest import client_of
from tests.server.fake_workspace import FakeWorkspace

PAGE = {"accept": "text/html"}
QUESTION = "How many days may be carried into the next year?"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayHouse]:
    made = make_house(tmp_path_factory.mktemp("house") / "w", days=2)
    made.workspace.ask(QUESTION, conversation="new")
    made.workspace.telemetry.store.add(LOCAL.tenant, sample_spans())
    yield made
    made.workspace.close()


@pytest.fixture(scope="module")
def searching(house: GatewayHouse) -> Iterator[TestClient]:
    with client_of(house.workspace) as made:
        yield made


def goes_to(client: TestClient, text: str) -> str:
    response = client.get("/search", params={"q": text}, headers=PAGE, follow_redirects=False)
    return response.headers.get("location", "") if response.status_code == 303 else f"{response.status_code}"


def groups(client: TestClient, text: str) -> dict[str, str]:
    response = client.get("/search", params={"q": text}, headers=PAGE)
    assert response.status_code == 200
    return dict(re.findall(r'<h2 id="(\w+)">\w+ <span class="soft">([^<]*)</span>', response.text))


def test_an_id_typed_anywhere_opens_its_page(searching: TestClient, house: GatewayHouse) -> None:
    workspace = house.workspace
    answer = workspace.answers(LOCAL, limit=1)[0]
    call = workspace.usage.calls(LOCAL, {}, limit=1)[0].id
    document = workspace.documents()[0][0].id
    snapshot = workspace.snapshots()[0].id
    prompt = workspace.prompts.get(LOCAL, "answer").digest
    trace = trace_id("agent")
    assert goes_to(searching, answer.id) == f"/answers/{answer.id}"
    assert goes_to(searching, f"  {answer.id} ") == f"/answers/{answer.id}"
    assert goes_to(searching, str(answer.conversation)) == f"/conversations/{answer.conversation}"
    assert goes_to(searching, call) == f"/usage/{call}"
    assert goes_to(searching, house.intranet.id) == f"/keys/{house.intranet.id}"
    assert goes_to(searching, document) == f"/knowledge/default/documents/{document}"
    assert goes_to(searching, trace) == f"/traces/{trace}"
    assert goes_to(searching, trace.upper()) == f"/traces/{trace}"
    for written in (f"default@{snapshot[:7]}", f"snapshot@{snapshot}"):
        assert goes_to(searching, written) == f"/knowledge/default@{snapshot[:12]}"
    assert goes_to(searching, f"answer@{prompt[:8]}") == f"/prompts/answer@{prompt[:12]}"


def test_the_trace_of_an_answer_is_found_by_the_id_in_its_record(
    searching: TestClient, house: GatewayHouse
) -> None:
    answer = house.workspace.answers(LOCAL, limit=1)[0]
    house.workspace.telemetry.fresh()
    assert answer.trace_id.startswith("trc_")
    assert goes_to(searching, answer.trace_id).startswith("/traces/")


@pytest.mark.parametrize(
    "text",
    [
        "ans_none",
        "trc_" + "0" * 26,
        "f" * 32,
        "default@abcdef",
        "job_none",
        "nothing@1234567",
        "key_x",
        "con_x",
    ],
)
def test_an_id_of_nothing_is_searched_for_and_not_found(searching: TestClient, text: str) -> None:
    assert goes_to(searching, text) == "200"


def test_words_find_records_of_every_room_with_their_number(searching: TestClient) -> None:
    assert groups(searching, "days carried")["answers"] == "2"
    assert groups(searching, "leave")["documents"] == "1"
    assert groups(searching, "lisbon") == {"traces": "1"}
    assert groups(searching, "play/mini")["models"] == "1"
    assert groups(searching, "intranet")["keys"] == "1"
    assert "prompts" in groups(searching, "answer")
    assert groups(searching, "zebra crossing") == {}


def test_an_empty_search_explains_itself(searching: TestClient) -> None:
    page = searching.get("/search", headers=PAGE).text
    assert "Words find answers, traces, documents, prompts, models and keys." in page
    assert 'name="q"' in page


@pytest.mark.parametrize(
    "text", ["%", "'", '"', "a" * 3000, "\x00", "(((", "* OR *", "NEAR/2", "@", "_", "x_", "../../etc"]
)
def test_no_text_breaks_the_search(searching: TestClient, text: str) -> None:
    assert searching.get("/search", params={"q": text}, headers=PAGE).status_code in (200, 422)


def test_rooms_that_are_closed_to_somebody_are_not_searched_for_them(house: GatewayHouse) -> None:
    class Ann(LoopbackOwner):
        def principal(self, request: object) -> Principal:
            return Principal(name="user:ann")

        def allows(self, principal: Principal, permission: str) -> bool:
            return permission in ("answers.read", "traces.read")

    with client_of(house.workspace, doorkeeper=Ann()) as client:
        assert groups(client, "intranet") == {}
        assert groups(client, "lisbon") == {}
        assert goes_to(client, house.intranet.id) == "200"
        assert goes_to(client, trace_id("agent")) == "200"


def test_a_room_that_is_empty_is_searched_too(tmp_path: object) -> None:
    fake = FakeWorkspace(tmp_path, empty=True)  # type: ignore[arg-type]
    with client_of(fake) as client:
        assert groups(client, "zebra") == {}
    fake.close()
