"""Two tenants full of records of every kind: each id of one, in every route that takes an id, is unknown in the other.

The routes are those that the application has: a new one with an id in its path is tried by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts

from groundwork.app.workspace import Workspace
from groundwork.core.principal import Principal
from groundwork.telemetry.types import Span
from tests.accounts.conftest import SECRET
from tests.datasets.house import filled
from tests.evaluation.gates.house import kept_verdict
from tests.evaluation.judges.house import kept_judge
from tests.evaluation.runs.house import kept_evaluation
from tests.evaluation.tuning.house import kept_tuning
from tests.pathways.walking.house import kept_way
from tests.releases.house import kept_release
from tests.server.people import PAGE, Browser, app_of, key_of, workspace_of_people

TENANTS = ("north", "south", "default")
NAMED = {
    "app",
    "environment",
    "example_id",
    "index",
    "name",
    "code",
    "label",
    "prompt",
    "ref",
    "version",
    "model",
    "lab",
    "quiz",
    "role_id",
    "skill_id",
    "subject_id",
}
"""Parameters that are no ids of records: they name what `groundwork.toml` and `prompts/` hold for everybody, or a version
below another parameter that is an id."""
IDS = {
    "document_id": "document", "answer_id": "answer", "conversation_id": "conversation", "job_id": "job", "key": "key",
    "key_id": "key", "user": "user", "session_id": "login", "trace_id": "trace", "span_id": "span", "call_id": "call",
    "release_ref": "release", "deployment_id": "trial", "trial_id": "trial",
    "sample_id": "sample", "card_id": "card", "verdict_id": "verdict", "evaluation_id": "evaluation", "tuning_id": "tuning",
    "dataset": "dataset", "example": "example", "candidate_id": "candidate",
    "feedback_id": "feedback", "view_id": "view", "snapshot": "snapshot", "id": "feedback", "run_id": "run",
    "plan_id": "plan", "proof_id": "proof", "draw_id": "draw", "note_id": "note", "attestation_id": "attestation",
}  # fmt: skip
"""Which record each parameter of a path names."""
PERSONAL = {"plan_id", "proof_id", "draw_id", "note_id", "attestation_id"}
"""Records of one person: a key of their own tenant does not see them either, whatever its role."""


@dataclass
class Full:
    """What a tenant was filled with: one id of every kind."""

    tenant: str
    ids: dict[str, str] = field(default_factory=dict)


def fill(home: Workspace, tenant: str, root: Path) -> Full:
    """Make a record of every kind in a tenant."""
    room = home.accounts
    if tenant != "default" and tenant not in {
        t.name for t in room.tenants.list(room.principal_in("default"))
    }:
        room.tenants.create(room.principal_in("default"), tenant)
    owner = room.principal_in(tenant)
    full = Full(tenant)
    document = root / f"{tenant}.md"
    document.write_text(
        f"# Leave in {tenant}\n\nEvery employee in {tenant} has 28 days of paid leave a year.\n"
    )
    home.ingest([document], principal=owner)
    home.ingest([document], principal=owner, rebuild=True)
    answer = home.ask("How many days of leave?", principal=owner, conversation="new")
    secret, key = home.keys.create(owner, f"key of {tenant}", role="viewer", access=None)
    user = room.users.create(owner, f"user-of-{tenant}", password=SECRET)
    room.sessions.open(tenant, user_id=user.id)
    trace = (f"{TENANTS.index(tenant):x}" * 32).replace("0", "f")
    span = Span(
        trace,
        "ab" * 8,
        name=f"work in {tenant}",
        started_ns=10**18,
        ended_ns=10**18 + 1,
        session_id=f"talk-{tenant}",
    )
    home.telemetry.store.add(tenant, [span])
    feedback = home.telemetry.feedback.give(owner, "thumb", value="up", answer_id=answer.id)
    view = home.telemetry.views.save(owner, f"view of {tenant}", "traces", "app=default", True)
    job = home.start_ingest([document], principal=owner)
    from groundwork.app.calling import caller_of, request_of

    call = home.gateway.complete(request_of("app/default", [("user", "How many days?")]), caller_of(owner))
    release, trial = kept_release(home, owner)
    sample, card = kept_judge(home, owner)
    way = kept_way(home, owner)
    full.ids = {
        "document": home.documents(principal=owner)[0][0].id,
        "answer": answer.id,
        "conversation": answer.conversation or "",
        "snapshot": home.snapshots(principal=owner)[0].id,
        "key": key.id,
        "user": user.id,
        "login": room.sessions.list(user_id=user.id)[0].id,
        "trace": trace,
        "talk": f"talk-{tenant}",
        "span": "ab" * 8,
        "feedback": feedback.id,
        "view": view.id,
        "job": job,
        "call": call.meta.call_id,
        "run": "run_none",
        "dataset": f"golden-{tenant}",
        "example": f"only-golden-{tenant}",
        "candidate": filled(home.datasets, owner, f"golden-{tenant}")[0].id,
        "verdict": kept_verdict(home, owner).id,
        "sample": sample,
        "card": card,
        "release": release.id,
        "trial": trial.id,
        "evaluation": kept_evaluation(home, owner).id,
        "tuning": kept_tuning(home, owner).id,
        "secret": secret,
        **way,
    }
    assert all(full.ids.values()), full.ids
    return full


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    made = workspace_of_people(tmp_path_factory.mktemp("apart"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def full(home: Workspace, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Full]:
    root = tmp_path_factory.mktemp("documents")
    return {tenant: fill(home, tenant, root) for tenant in TENANTS}


@pytest.fixture(scope="module")
def app(home: Workspace) -> Any:
    return app_of(home)


def operations(app: Any) -> list[tuple[str, str, list[str]]]:
    """Return `(method, path, parameters that are ids)` of every route of the platform and the console that takes one."""
    found = []
    for route in iter_route_contexts(app.routes):
        path = route.path or ""
        parameters = re.findall(r"{(\w+)(?::\w+)?}", path)
        ids = [p for p in parameters if p not in NAMED]
        if not ids or path.startswith(("/static", "/problems")):
            continue
        found += [(method, path, ids) for method in sorted((route.methods or set()) - {"HEAD"})]
    return found


BODIES: dict[str, Any] = {
    "/approvals": {"environment": "dev", "decision": "approve"},
    "/override": {"reason": "it is taken over by somebody"},
    "/end": {"reason": "taken over"},
    "/promote": {"reason": "taken over"},
    "/feedback": {"kind": "thumb", "value": "up"},
    "/keys/{key}": {"name": "taken over"},
    "/users/{user}": {"title": "taken over", "role": "admin"},
    "/password": {"password": SECRET + " x"},
    "/draws/{draw_id}/answers": {"answers": [0]},
    "/samples/{sample_id}/labels": {"labels": [{"item": "taken", "label": "pass"}]},
}
"""What fits the description of a route, by the end of its path, so that it is the id alone that is refused."""
FIELDS = {
    "password": SECRET + " x", "again": SECRET + " x", "question": "what?", "name": "taken", "may": "chat", "runs": "1",
    "role": "viewer", "value": "up", "kind": "thumb",
}  # fmt: skip


def test_every_parameter_of_a_path_is_known_to_this_test(app: Any) -> None:
    unknown = {p for _, _, ids in operations(app) for p in ids} - set(IDS)
    assert not unknown, f"say in IDS which record these name, or in NAMED that they name none: {unknown}"
    assert len(operations(app)) > 40


def test_every_page_and_document_with_an_id_opens_in_its_own_tenant(
    home: Workspace, full: dict[str, Full], app: Any
) -> None:
    """Else the test below would show nothing: it is for the tenant that these ids are unknown elsewhere."""
    for tenant in TENANTS:
        shown, client = key_of(home, "admin", tenant, name=f"own {tenant}"), Browser(app)
        for method, path, ids in operations(app):
            if method == "GET":
                address = _address(path, ids, full[tenant])
                answer = client.get(address, headers=shown if path.startswith("/api/") else {**shown, **PAGE})
                expected = 404 if PERSONAL & set(ids) else 200
                assert answer.status_code == expected, (tenant, address, answer.text[:300])


@pytest.mark.parametrize(
    "role", ["viewer", *(pytest.param(r, marks=pytest.mark.slow) for r in ("builder", "operator")), "admin"]
)
def test_no_id_of_one_tenant_is_known_in_another(
    home: Workspace, full: dict[str, Full], app: Any, role: str
) -> None:
    """404 for whoever holds the permission; whoever does not is told so before anybody looks. Nothing changes either way."""
    before = _state(home)
    client = Browser(app)
    token = re.search(r'name="_token" value="([0-9a-f]{64})"', client.get("/invitation", headers=PAGE).text)
    assert token
    for mine in TENANTS:
        shown = key_of(home, role, mine, name=f"apart {role} {mine}")
        for theirs in TENANTS:
            # Admins try every pair; the others the pairs of one tenant, for the queries do not know of roles.
            if theirs == mine or (role != "admin" and mine != "north"):
                continue
            for method, path, ids in operations(app):
                address = _address(path, ids, full[theirs])
                if path.startswith("/api/"):
                    body = next((b for end, b in BODIES.items() if path.endswith(end)), None)
                    answer = client.request(method, address, json=body, headers=shown)
                elif method == "GET":
                    answer = client.get(address, headers={**shown, **PAGE})
                else:
                    answer = client.post(
                        address, data={"_token": token[1], **FIELDS}, headers={**shown, **PAGE}
                    )
                _refused(answer, role, f"{method} {address}")
    assert _state(home) == before


def _address(path: str, ids: list[str], full: Full) -> str:
    kinds = {**IDS, "session_id": "login" if "account" in path else "talk"}
    values = {p: full.ids[kinds[p]] for p in ids} | {
        "index": "default", "name": "answer", "label": "production", "prompt": "answer", "version": "0", "ref": "latest",
        "code": "x", "model": "x", "example_id": "e1", "app": "default", "environment": "dev",
    }  # fmt: skip
    return re.sub(r"{(\w+)(?::\w+)?}", lambda m: values[m[1]], path)


def _refused(answer: Any, role: str, what: str) -> None:
    lacking = answer.status_code == 403 and role != "admin" and "permission" in answer.text
    assert answer.status_code == 404 or lacking, (role, what, answer.status_code, answer.text[:300])
    for word in ("28 days", "user-of-", "key of ", "work in ", "view of "):
        assert word not in answer.text, (role, what)


@pytest.mark.parametrize("tenant", TENANTS)
def test_no_list_shows_anything_of_another_tenant(
    home: Workspace, full: dict[str, Full], app: Any, tenant: str
) -> None:
    shown, client = key_of(home, "admin", tenant, name=f"lists {tenant}"), Browser(app)
    foreign = [
        v for t in TENANTS if t != tenant for k, v in full[t].ids.items() if k != "span" and v != "run_none"
    ]
    foreign += [f"user-of-{t}" for t in TENANTS if t != tenant] + [
        f"work in {t}" for t in TENANTS if t != tenant
    ]
    tried = 0
    for route in iter_route_contexts(app.routes):
        path = route.path or ""
        if "GET" not in (route.methods or ()) or "{" in path.replace("{index}", ""):
            continue
        answer = client.get(path.replace("{index}", "default"), headers={**shown, **PAGE})
        assert answer.status_code < 500, (path, answer.text[:300])
        tried += 1
        for word in foreign:
            assert word not in answer.text, (path, word)
    assert tried > 30


def test_ids_in_bodies_and_queries_of_another_tenant_are_unknown_too(
    home: Workspace, full: dict[str, Full], app: Any
) -> None:
    shown, client, theirs = key_of(home, "admin", "north", name="bodies"), Browser(app), full["south"].ids
    asked = client.post(
        "/api/ask", json={"question": "How?", "conversation": theirs["conversation"]}, headers=shown
    )
    assert asked.status_code == 404
    body = {"question": "How?", "snapshot": theirs["snapshot"]}
    for path in ("/api/ask", "/api/search"):
        assert client.post(path, json=body, headers=shown).status_code == 404
    rollback = {"snapshot": theirs["snapshot"]}
    assert client.post("/api/indexes/default/rollback", json=rollback, headers=shown).status_code == 404
    for query in (f"key={theirs['key']}", f"answer={theirs['answer']}"):
        for path in ("/api/usage", "/api/calls"):
            found = client.get(f"{path}?{query}", headers=shown)
            assert found.status_code in (200, 404, 422)
            assert theirs["call"] not in found.text


def test_a_key_of_one_tenant_works_in_no_other_and_a_member_of_both_sees_them_apart(
    home: Workspace, full: dict[str, Full], app: Any
) -> None:
    room, client = home.accounts, Browser(app)
    user = room.users.create(room.principal_in("north"), "both", role="admin", password=SECRET)
    room.users.join(room.principal_in("default"), user.id, "south", role="viewer")
    client.sign_in("both")
    for tenant in ("north", "south"):
        client.fill("/account/tenant", page="/account", tenant=tenant)
        other = "south" if tenant == "north" else "north"
        assert client.get(f"/api/traces/{full[other].ids['trace']}").status_code == 404
        assert client.get(f"/api/answers/{full[other].ids['answer']}").status_code == 404
    room.users.leave(room.principal_in("south"), user.id)
    assert client.get("/api/session").status_code in (200, 401)


def _state(home: Workspace) -> dict[str, Any]:
    """Return what must not change: names, titles, states, and how many there are of each."""
    found: dict[str, Any] = {}
    for tenant in TENANTS:
        owner: Principal = home.accounts.principal_in(tenant)
        found[tenant] = {
            "users": [(u.name, u.title, u.role, u.state) for u in home.accounts.users.list(owner)],
            "keys": [(k.name, k.revoked_at) for k in home.keys.list(owner) if not k.name.startswith("apart")],
            "answers": [a.id for a in home.answers(owner, limit=200)],
            "documents": [d.id for d in home.documents(principal=owner)[0]],
            "snapshots": [s.id for s in home.snapshots(principal=owner)],
            "views": [v.id for v in home.telemetry.views.list(owner, "traces")],
            "jobs": [j.id for j in home.jobs(owner)],
        }
    return found
