"""Two houses that together have an example of every page, and the addresses to look at, one or more for each route."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi.routing import iter_route_contexts

from groundwork.core.principal import LOCAL
from groundwork.server.application import create_app
from tests.console import sample_traces as samples
from tests.gateway_house import make_house
from tests.server.conftest import job
from tests.server.fake_workspace import FakeWorkspace

NO_PAGES = re.compile(r"/(api|static|livez|readyz|metrics|favicon|v1)\b|.*\.csv$")
"""Routes that answer no page: interfaces for programs and single files."""
OF_SIGN_IN = re.compile(r"/(sign-in|sign-out|invitations?|account)\b")
"""Pages of people who are not signed in, or manage how they do; their own tests look at them."""


PROMPT = "---\ninputs:\n  question: {{}}\n---\n{text}\n"


PASSWORD = "correct horse battery staple"


@dataclass
class Looked:
    """A house with the addresses of its pages, by the route each belongs to."""

    workspace: Any
    addresses: dict[str, list[str]] = field(default_factory=dict)

    def close(self) -> None:
        self.workspace.close()


def console_routes(workspace: Any) -> list[str]:
    """Return the paths of every route of an application that answers a page."""
    routes = iter_route_contexts(create_app(workspace).routes)
    found = {r.path for r in routes if r.path and "GET" in (r.methods or ()) and not NO_PAGES.match(r.path)}
    return sorted(p for p in found if not OF_SIGN_IN.match(p))


def written_house(root: Path) -> Looked:
    """A house of plain values: answers, documents, jobs in every state, and the sample traces with feedback and a view."""
    fake = FakeWorkspace(
        root, jobs_=[job("job_1", "running"), job("job_2", "succeeded"), job("job_3", "failed")]
    )
    room = fake.telemetry
    room.store.add(LOCAL.tenant, samples.sample_spans(time.time_ns()))
    room.views.save(LOCAL, "Failures", "traces", "status=error", True)
    answer, agent, hostile = (samples.trace_id(n) for n in ("answer", "agent", "hostile"))
    for kind, value, text in (
        ("thumb", "up", ""),
        ("label", "wrong date", ""),
        ("correction", "", samples.HOSTILE),
    ):
        room.feedback.give(LOCAL, kind, value=value, text=text, answer_id="ans_0003", source="console")
    for text in ("Say it in a word: {{ question }}", "Say it in two words: {{ question }}"):
        held = {e.name: e.source_digest for e in fake.prompts.list(LOCAL)}
        fake.prompts.write(LOCAL, "leave", PROMPT.format(text=text), expected=held.get("leave", ""))
    leave, travel = fake._documents
    return Looked(
        fake,
        {
            "/": ["/"],
            "/answers": ["/answers", "/answers?compare=ans_0003"],
            "/answers/compare": ["/answers/compare?a=ans_0003&b=ans_0001"],
            "/answers/{answer_id}": ["/answers/ans_0003", "/answers/ans_0002"],
            "/answers/{answer_id}/replay": ["/answers/ans_0001/replay"],
            "/answers/{answer_id}/explain": ["/answers/ans_0003/explain"],
            "/answers/{answer_id}/settings": ["/answers/ans_0003/settings"],
            "/knowledge": ["/knowledge"],
            "/knowledge/{index}": ["/knowledge/default", "/knowledge/default@head~1"],
            "/knowledge/{index}/snapshots": ["/knowledge/default/snapshots"],
            "/knowledge/{index}/quarantine": ["/knowledge/default/quarantine"],
            "/knowledge/{index}/diff": ["/knowledge/default/diff"],
            "/knowledge/{index}/rollback": ["/knowledge/default/rollback?to=head~1"],
            "/knowledge/{index}/documents/{document_id}": [
                f"/knowledge/default/documents/{leave}?start=10&end=60",
                f"/knowledge/default/documents/{travel}",
            ],
            "/prompts": ["/prompts"],
            "/prompts/{name}": ["/prompts/answer"],
            "/prompts/{name}/edit": ["/prompts/answer/edit"],
            "/prompts/{name}/diff": ["/prompts/leave/diff"],
            "/prompts/{name}/label": ["/prompts/leave/label"],
            "/prompts/{name}/remove": ["/prompts/leave/remove"],
            "/search": ["/search?q=leave", "/search?q=nothingatall", "/search"],
            "/traces": [
                "/traces",
                "/traces?status=error&order=slowest&min_ms=x&kind=agent",
                "/traces?text=nothingatall",
            ],
            "/traces/compare": [f"/traces/compare?a={answer}&b={agent}"],
            "/traces/{trace_id}": [
                f"/traces/{answer}",
                f"/traces/{agent}?errors=1",
                f"/traces/{hostile}",
                f"/traces/{samples.trace_id('rootless')}",
            ],
            "/traces/{trace_id}/spans/{span_id}": [
                f"/traces/{answer}/spans/{samples.span_id(answer, key)}"
                for key in ("chat gpt-5-mini", "search default", "attempt 1")
            ]
            + [f"/traces/{agent}/spans/{samples.span_id(agent, key)}" for key in ("book", "second chat")],
            "/dashboards": ["/dashboards"],
            "/query": ["/query"],
            "/sessions": ["/sessions"],
            "/sessions/{session_id:path}": ["/sessions/ses_kitchen"],
            "/jobs": ["/jobs"],
            "/jobs/{job_id}": ["/jobs/job_1", "/jobs/job_2", "/jobs/job_3"],
            "/settings": ["/settings"],
            "/settings/health": ["/settings/health"],
            "/problems/{code}": ["/problems/not_found"],
        },
    )


def used_house(root: Path) -> Looked:
    """A real workspace whose gateway was used for some days: keys, calls, models, a conversation."""
    house = make_house(root, days=3)
    workspace = house.workspace
    ann = workspace.accounts.users.create(LOCAL, "ann", title="Ann", role="builder", password=PASSWORD)
    asked = workspace.ask("How many days may be carried into the next year?", conversation="new")
    call = workspace.usage.calls(LOCAL, {"model": "fast"}, limit=1)[0].id
    key = house.intranet.id
    return Looked(
        workspace,
        {
            "/conversations": ["/conversations"],
            "/conversations/{conversation_id}": [f"/conversations/{asked.conversation}"],
            "/answers/{answer_id}": [f"/answers/{asked.id}"],
            "/models": ["/models"],
            "/models/try": ["/models/try"],
            "/keys": ["/keys"],
            "/keys/{key_id}": [f"/keys/{key}"],
            "/keys/{key_id}/revoke": [f"/keys/{key}/revoke"],
            "/settings/users": ["/settings/users"],
            "/settings/users/{user}": [f"/settings/users/{ann.id}"],
            "/settings/users/{user}/remove": [f"/settings/users/{ann.id}/remove"],
            "/settings/tenants": ["/settings/tenants"],
            "/usage": ["/usage"],
            "/usage/calls": ["/usage/calls"],
            "/usage/{call_id}": [f"/usage/{call}"],
        },
    )


def gated_house(root: Path) -> Looked:
    """A workspace with a gate that promoted once and refused once, which somebody overrode."""
    from tests.evaluation.gates.house import house, sides

    workspace = house(root)
    gates = workspace.evaluation.gates
    good, bad = [
        gates.run(LOCAL, "quality", candidate=new, baseline=old)
        for better in (True, False)
        for old, new in [sides(workspace.root, better)]
    ]
    gates.override(LOCAL, bad.id, "the old index is unlawful to keep")
    refused = gates.run(LOCAL, "quality", candidate=bad.candidate, baseline=good.candidate, posthoc=True)
    return Looked(
        workspace,
        {
            "/gates": ["/gates", "/gates?gate=quality"],
            "/gates/verdicts/{verdict_id}": [f"/gates/verdicts/{v.id}" for v in (good, bad, refused)],
            "/compare": [f"/compare?a={bad.baseline}&b={bad.candidate}", "/compare"],
        },
    )


def released_house(root: Path) -> Looked:
    """A workspace with releases in environments, a canary that was taken back and one that runs."""
    from tests.releases.conftest import SPEC
    from tests.releases.house import released

    workspace, trials = released(root, SPEC)
    ids = [workspace.releases.book.get(LOCAL, f"default@{n}").id for n in (1, 2, 3)]
    return Looked(
        workspace,
        {
            "/releases": ["/releases", "/releases?app=default"],
            "/releases/history": ["/releases/history", "/releases/history?environment=staging"],
            "/releases/compare": [
                f"/releases/compare?a={ids[0]}&b={ids[1]}",
                f"/releases/compare?a={ids[1]}&b={ids[2]}",
            ],
            "/releases/rollback": [
                "/releases/rollback?environment=open",
                "/releases/rollback?environment=staging",
            ],
            "/releases/trials/{trial_id}": [
                f"/releases/trials/{trials['harmful']}",
                f"/releases/trials/{trials['running']}?only=loss",
            ],
            "/releases/{release_ref}": [f"/releases/{i}" for i in ids],
            "/releases/{release_ref}/promote": [
                f"/releases/{ids[2]}/promote?to=production",
                f"/releases/{ids[2]}/promote?to=dev",
            ],
        },
    )


def evaluated_house(root: Path) -> Looked:
    """A workspace with evaluations: of an app, of a model that fails, one that waits, one that nobody goes on with."""
    from tests.evaluation.runs.house import keep, numbered, questions, workspace_at

    workspace = workspace_at(root)
    keep(workspace, questions())
    keep(workspace, numbered(8), "many")
    runner = workspace.evaluation.runner
    for title in ("as it was", "with another prompt"):
        found = workspace.evaluate("default", dataset="golden", title=title)
    broken = workspace.evaluate("model:play/down", dataset="many", scorers=["exact"], repeats=2)
    waits, left = (runner.start(LOCAL, runner.plan(LOCAL, "default", dataset="golden")) for _ in range(2))
    workspace.evaluation.book.change(LOCAL, waits.id, job_id="job_1")
    workspace.evaluation.book.change(LOCAL, left.id, state="running")
    each = [f"/evaluations/{e.id}" for e in (found, broken, waits, left)]
    return Looked(
        workspace,
        {
            "/evaluations": ["/evaluations", "/evaluations?dataset=many"],
            "/evaluations/{evaluation_id}": each,
            "/evaluations/{evaluation_id}/results": [
                f"{each[0]}/results",
                f"{each[1]}/results?only=failed&order=worst",
                f"{each[2]}/results?tag=none",
            ],
            "/evaluations/{evaluation_id}/examples/{example_id:path}": [
                f"{each[0]}/examples/q0",
                f"{each[0]}/examples/q5",
                f"{each[1]}/examples/e00001?repeat=1",
            ],
        },
    )


def dataset_house(root: Path) -> Looked:
    """A workspace with a dataset of three versions, candidates in every state, and one dataset that only waits."""
    from tests.datasets.house import filled, workspace_with_datasets

    workspace = workspace_with_datasets(root)
    found = filled(workspace.datasets, LOCAL)
    workspace.datasets.propose(LOCAL, "fresh", found[0].example)
    return Looked(
        workspace,
        {
            "/datasets": ["/datasets"],
            "/datasets/-/review": [
                "/datasets/-/review",
                "/datasets/-/review?dataset=golden&state=accepted",
                "/datasets/-/review?dataset=nothing",
            ],
            "/datasets/-/candidates/{candidate_id}": [f"/datasets/-/candidates/{c.id}" for c in found[:3]],
            "/datasets/{dataset}": [
                "/datasets/golden",
                "/datasets/golden@1?offset=50",
                "/datasets/golden?split=holdout",
                "/datasets/golden?contains=nothingatall",
            ],
            "/datasets/{dataset}/new": ["/datasets/golden/new"],
            "/datasets/{dataset}/example": [
                "/datasets/golden/example?id=q001",
                "/datasets/golden/example?id=chat",
                "/datasets/golden@1/example?id=none",
            ],
            "/datasets/{dataset}/diff": ["/datasets/golden/diff", "/datasets/golden/diff?old=golden@1"],
            "/datasets/{dataset}/remove": ["/datasets/golden/remove"],
        },
    )


def tuned_house(root: Path) -> Looked:
    """A workspace with tunings: one that recommends a change, one that does not, one that has not begun."""
    from tests.evaluation.tuning.house import kept_tuning, plan
    from tests.workspaces import light_workspace

    workspace = light_workspace(root)
    waiting = workspace.evaluation.tuner.book.create(LOCAL, plan())
    found = [kept_tuning(workspace, LOCAL, gain) for gain in (0.3, 0.0)]
    return Looked(
        workspace,
        {
            "/evaluations/tunings": ["/evaluations/tunings"],
            "/evaluations/tunings/{tuning_id}": [f"/evaluations/tunings/{t.id}" for t in (*found, waiting)],
        },
    )


def judged_house(root: Path) -> Looked:
    """A workspace with judges: one with a card and a check, one that nobody measured, one that cannot be asked."""
    from tests.evaluation.judges.house import JUDGES, kept_judge
    from tests.evaluation.runs.house import SPEC, keep, numbered, workspace_at

    workspace = workspace_at(root, SPEC + JUDGES)
    keep(workspace, numbered(40), "many")
    judges = workspace.evaluation.judges
    found = workspace.evaluate(
        "model:play/mixed", dataset="many", scorers=[{"name": "judge", "judge": "right"}]
    )
    sample = judges.draw(LOCAL, "right", found.id, 30, seed=1)
    given = [
        (i.item, "pass" if "zebra" in i.shown.output else "fail", "") for i in judges.items(LOCAL, sample.id)
    ]
    judges.label_all(LOCAL, sample.id, [*given[:25], (given[25][0], "pass", ""), (given[26][0], "fail", "")])
    judges.make_card(LOCAL, "right")
    judges.check(LOCAL, "right", 10)
    pair = judges.draw(LOCAL, "pair", found.id, 5, seed=1, against=found.id)
    kept_judge(workspace, LOCAL)
    names = ("right", "pair", "bench", "elsewhere", "broken")
    return Looked(
        workspace,
        {
            "/judges": ["/judges"],
            "/judges/{name}": [f"/judges/{n}" for n in names],
            "/judges/{name}/disagreements": ["/judges/right/disagreements", "/judges/pair/disagreements"],
            "/judges/samples/{sample_id}": [
                f"/judges/samples/{sample.id}",
                f"/judges/samples/{sample.id}?place=2",
                f"/judges/samples/{pair.id}",
            ],
        },
    )


def empty_house(root: Path) -> Looked:
    """A workspace in which nothing has happened."""
    return Looked(
        FakeWorkspace(root, empty=True),
        {
            "/": ["/"],
            "/traces": ["/traces"],
            "/answers": ["/answers"],
            "/jobs": ["/jobs"],
            "/sessions": ["/sessions"],
        },
    )


def walked_house(root: Path) -> Looked:
    """A workspace whose owner is on the way: a plan, a lab that is passed and one that is open, a quiz, notes, a proof."""
    from groundwork.app.workspace import Workspace
    from groundwork.evidence.types import Finding, Found

    workspace = Workspace.init(root)
    room = workspace.pathways
    room.walk.set_profile(LOCAL, declared=("python-engineering",))
    plan = room.walk.plan(
        LOCAL, start_from="cloud platform engineer", target="ai systems engineer", hours=8.0
    )
    room.labs.start(LOCAL, "first-documents")
    room.labs.hint(LOCAL)
    drawn = room.quizzes.draw(LOCAL, room.catalogues.current().catalogue.quizzes[0].id)
    room.quizzes.hand_in(LOCAL, drawn.id, [0] * len(drawn.questions))
    room.notes.attest(LOCAL, "d30-communities", "Joined two communities", "https://example.org/me")
    room.notes.reflect(LOCAL, "", "What I would do otherwise.")
    found = Found("answer", "ans_gone", "0" * 64, {"abstained": False}, "2026-11-29T10:00:00+00:00")
    proof = room.proofs.record(LOCAL, "action", "d60-rag-fastapi", Finding("proven", "1" * 64, (found,)))
    return Looked(
        workspace,
        {
            "/pathways": ["/pathways"],
            "/pathways/plan": ["/pathways/plan"],
            "/pathways/plans/{plan_id}": [f"/pathways/plans/{plan.id}"],
            "/pathways/declared": ["/pathways/declared"],
            "/pathways/notes": ["/pathways/notes"],
            "/pathways/proofs": ["/pathways/proofs"],
            "/pathways/proofs/{proof_id}": [f"/pathways/proofs/{proof.id}"],
            "/pathways/skills": ["/pathways/skills", "/pathways/skills?role=ml-engineer"],
            "/pathways/skills/{skill_id}": ["/pathways/skills/rag-patterns"],
            "/pathways/roles": ["/pathways/roles?a=ml-engineer&b=ai-engineer", "/pathways/roles"],
            "/pathways/roles/{role_id}": ["/pathways/roles/ai-systems-engineer"],
            "/pathways/milestones/{subject_id}": [
                "/pathways/milestones/y1-first-rag-app",
                "/pathways/milestones/d30-communities",
            ],
            "/pathways/facts": ["/pathways/facts"],
            "/pathways/resources": ["/pathways/resources"],
            "/pathways/labs": ["/pathways/labs"],
            "/pathways/labs/{lab}": ["/pathways/labs/first-documents", "/pathways/labs/cost-cut"],
            "/pathways/quizzes": ["/pathways/quizzes"],
        },
    )


SHOWN_ONCE = {
    "/keys/{key_id}/made": "it is shown once after a form was sent",
    "/evaluations/{evaluation_id}/report": "it is a file to keep, not a page",
}
"""Routes without an example, with the reason."""


def addresses(houses: list[Looked]) -> Iterator[tuple[Looked, str]]:
    """Yield every address with its house."""
    for house in houses:
        for found in house.addresses.values():
            for address in found:
                yield house, address
