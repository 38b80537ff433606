"""For each milestone and action whose records some room keeps: the least rows that prove it, and which of them it needs.

Each function writes rows into an empty house; every one of them is needed.
"""

from __future__ import annotations

from collections.abc import Callable

from groundwork.storage import improvement_tables as i
from groundwork.storage import pathway_tables as p
from groundwork.storage import tables as t
from tests.evidence.house import House

COST = {
    "kind": "guard",
    "metric": "cost",
    "baseline": 0.01,
    "candidate": 0.007,
    "low": -0.004,
    "high": -0.002,
}
PASSED = {"kind": "primary", "metric": "correct", "state": "pass"}
KAPPA = {"value": 0.7, "low": 0.6, "high": 0.8}
CHEAPER = [PASSED, COST]


def _served_by_key(house: House) -> None:
    house.calls(100, days=8, key_id="key_1", provider="p1")


def _served_as_release(house: House) -> None:
    release = house.release()
    house.deployment(release)
    house.calls(100, days=8, release=release["id"], provider="p1")


def _pipeline(house: House) -> None:
    house.ingest(snapshot="s1")
    house.ingest(snapshot="s2", before="s1", unchanged=3)
    house.snapshot(identifier="s2")
    house.put(t.sources, index_name="docs", document_id="doc_1", path="a.md", state="indexed")


def _rag(house: House) -> None:
    release = house.release()
    house.deployment(release)
    house.verdict(release, n=50)
    answer = house.answer(release)
    house.put(t.answer_replays, answer_id=answer["id"], result="identical", times=1)


def _cost_optimised(house: House) -> None:
    house.put(
        t.api_keys, limits={"budget_usd": {"month": 10.0}, "requests_per_minute": 0}, digest="d", scopes=[]
    )
    release = house.release()
    house.verdict(release, checks=CHEAPER)
    house.deployment(release)


def _patterns(house: House) -> None:
    for app in ("handbook", "faq"):
        house.verdict(house.only_pins(app, prompt="answer@p1"))


def _cost_reduced(house: House) -> None:
    release = house.release()
    house.verdict(release, n=50, checks=CHEAPER, before={"release": "old"})


def _platform(house: House) -> None:
    for n, app in enumerate(("handbook", "faq", "search")):
        release = house.release(app, number=2, by=f"user:{'ann' if n else 'bob'}")
        house.deployment(release, environment="production", kind="rollback")


def _framework(house: House) -> None:
    house.put(
        i.judge_cards,
        judge="grader",
        kind="card",
        record={"n": 100, "kappa": KAPPA},
    )
    for name in ("golden", "faq"):
        house.dataset(name, number=2, examples=50)
    verdict = ""
    for app in ("handbook", "faq"):
        release = house.only_pins(app)
        verdict = house.verdict(release)["id"]
    house.deployment(release, environment="production", verdict_id=verdict)


def _calls(house: House) -> None:
    house.calls(15, structured="valid", provider="p1")
    house.calls(5, structured="repaired", provider="p2", tool_calls=1)


def _prompts(house: House) -> None:
    for n in (1, 2, 3):
        house.put(t.prompt_versions, name="answer", digest=f"p{n}", template={"tests": []})
        house.evaluation(pins={"prompt": f"answer@p{n}"})
    house.verdict(house.release(prompt="answer@p3"), before={"pins": {"prompt": "answer@p0"}})


def _retrieval(house: House) -> None:
    release = house.release()
    pins = {name: release["manifest"][name] for name in ("settings", "snapshot")}
    house.evaluation(
        metrics=["recall"], n=50, retrieval="lexical", pins={"settings": "other", "snapshot": "s1"}
    )
    house.evaluation(metrics=["recall"], n=50, retrieval="hybrid", pins=pins)


def _judged(house: House) -> None:
    house.dataset(examples=50)
    house.put(
        i.judge_cards,
        judge="grader",
        kind="card",
        record={"n": 50, "kappa": KAPPA},
    )


def _ci(house: House) -> None:
    house.verdict(house.release(by="key:key_1"))


def _measured(house: House) -> None:
    golden = house.dataset(examples=50)
    house.evaluation(dataset_version=golden["digest"])


def _labs(house: House) -> None:
    house.lab("first-model-endpoint")
    house.lab("structured-output")


REFERENCE: dict[str, Callable[[House], None]] = {
    "y1-model-serving-deployed": _served_by_key,
    "y1-model-serving-deployed (release)": _served_as_release,
    "y1-ml-data-pipeline": _pipeline,
    "y1-first-rag-app": _rag,
    "y2-infra-cost-optimized": _cost_optimised,
    "y2-reusable-patterns": _patterns,
    "y2-inference-cost-reduced": _cost_reduced,
    "y3-internal-platform": _platform,
    "y3-evaluation-framework": _framework,
    "m-llm-api": _calls,
    "m-prompt-versioning": _prompts,
    "m-rag-system": _retrieval,
    "m-llm-evaluation": _judged,
    "d30-fastapi-course": _labs,
    "d30-managed-llm": lambda house: [house.calls(1), None][1],
    "d30-vector-db": lambda house: [house.snapshot(chunks=100), None][1],
    "d60-rag-fastapi": lambda house: [house.answer(principal="key:key_1"), None][1],
    "d60-vector-search": lambda house: [house.evaluation(metrics=["recall"], n=20), None][1],
    "d60-aws-docs": lambda house: [house.quiz("service-mapping", 4, 5), None][1],
    "d90-cicd": _ci,
    "d90-eval-metrics": _measured,
    "d90-public-journal": lambda house: [house.put(p.portfolio_exports, record={"files": 3}), None][1],
}
UNAVAILABLE = {
    "y1-ethics", "y2-ai-metrics-monitored", "y2-ethics", "y3-governance-implemented", "y3-self-service-enabled", "y3-ethics",
    "m-agent", "d60-docker", "d90-monitor-rag",
}  # fmt: skip
ATTESTED = {"d30-communities", "d90-public-journal"}
