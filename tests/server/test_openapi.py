"""The description of the interface: it is complete, it is checked in, and nothing that fits it breaks the server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from starlette.requests import Request
from starlette.testclient import TestClient

from groundwork.app.workspace import Workspace
from groundwork.core.principal import LOCAL, Principal
from groundwork.server.application import create_app

SNAPSHOT = Path(__file__).parent / "openapi.json"
DESCRIBED = json.loads(SNAPSHOT.read_text(encoding="utf-8"))["paths"] if SNAPSHOT.exists() else {}
OPERATIONS = [f"{method.upper()} {path}" for path, methods in DESCRIBED.items() for method in methods]
FEW = settings(
    max_examples=4,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
MANY = settings(FEW, max_examples=60, derandomize=False)


class Everybody:
    """The test client of the tool has no address; everybody is the owner."""

    def principal(self, request: Request) -> Principal:
        return LOCAL

    def allows(self, principal: Principal, permission: str) -> bool:
        return True


@pytest.fixture(scope="session")
def schema(workspace: Workspace) -> schemathesis.BaseSchema:
    app = create_app(workspace, hosts=["testserver", "localhost", "127.0.0.1"], doorkeeper=Everybody())
    app.openapi()  # made once and kept; the tool would wait ten seconds for it and no longer
    return schemathesis.openapi.from_asgi("/api/openapi.json", app)


@pytest.fixture(scope="session")
def real(workspace: Workspace) -> dict[str, str]:
    """Ids that exist, so that the generated rest of a request reaches the rooms behind the doors."""
    document = workspace.documents()[0][0]
    answer = workspace.ask("How many days may be carried into the next year?")
    return {"index": "default", "document_id": document.id, "answer_id": answer.id, "snapshot": "head"}


def _try(
    schema: schemathesis.BaseSchema,
    operation: str,
    real: dict[str, str],
    budget: settings,
    mode: GenerationMode,
) -> None:
    """Send what fits the description of one operation, or just misses it; any answer but a server error will do."""
    method, path = operation.split()

    @given(case=schema[path][method].as_strategy(generation_mode=mode))
    @budget
    def attempt(case: schemathesis.Case) -> None:
        given_parameters = dict(case.path_parameters or {})
        for known in ({}, {k: v for k, v in real.items() if k in given_parameters}):
            case.path_parameters = {**given_parameters, **known}
            response = case.call()
            assert response.status_code < 500, response.text

    attempt()


@pytest.mark.parametrize("operation", OPERATIONS)
def test_no_request_that_fits_the_description_breaks_the_server(
    schema: schemathesis.BaseSchema, real: dict[str, str], operation: str
) -> None:
    _try(schema, operation, real, FEW, GenerationMode.POSITIVE)


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("operation", OPERATIONS)
def test_many_requests_that_fit_or_just_miss_break_nothing_either(
    schema: schemathesis.BaseSchema, real: dict[str, str], operation: str, mode: GenerationMode
) -> None:
    try:
        _try(schema, operation, real, MANY, mode)
    except Unsatisfiable:
        pytest.skip("nothing of this operation can miss its description")


def test_the_description_is_the_one_that_is_checked_in(fake_client: TestClient) -> None:
    """After a change that is meant: `GROUNDWORK_UPDATE=1 pytest tests/server/test_openapi.py`."""
    import os

    now = fake_client.get("/api/openapi.json").json()
    now["info"]["version"] = "0"
    text = json.dumps(now, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    if os.environ.get("GROUNDWORK_UPDATE"):
        SNAPSHOT.write_text(text, encoding="utf-8")
    assert text == SNAPSHOT.read_text(encoding="utf-8")


def test_every_operation_says_what_it_does_and_what_it_answers(fake_client: TestClient) -> None:
    described = fake_client.get("/api/openapi.json").json()
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            assert operation.get("description"), (method, path)
            assert operation.get("tags"), (method, path)
            code, good = next((c, r) for c, r in operation["responses"].items() if c.startswith("2"))
            assert ("content" in good) == (code != "204"), (method, path)
            for media in good.get("content", {}).values():
                assert media["schema"], (method, path)
            if path.startswith("/api/"):
                assert {"4XX", "5XX"} <= set(operation["responses"]), (method, path)
