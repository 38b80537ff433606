"""Thirty days of made-up traffic, the same for equal seeds."""

from __future__ import annotations

import random
import time

from groundwork.app.workspace import Workspace
from groundwork.telemetry.outcomes import ABSTAINED, SENTENCES, UNSUPPORTED
from groundwork.telemetry.types import Span

PROVIDERS = {"gpt-5-mini": "openai", "claude-haiku": "anthropic", "llama-70b": "local"}


def traffic(traces: int, days: float = 30, seed: int = 0, tenant_app: str = "") -> list[Span]:
    """Return answers, each with its retrieval, a model call and an embedding; more of them lately."""
    draw, now, spans = random.Random(seed), time.time_ns(), []
    for n in range(traces):
        started = now - int(draw.random() ** 1.5 * days * 86400e9)
        took = int(draw.lognormvariate(19.5, 0.7))
        trace, root = f"{draw.getrandbits(128):032x}", f"{draw.getrandbits(64):016x}"
        app = tenant_app or draw.choices(["handbook", "support", "sales"], [5, 3, 1])[0]
        status = "error" if draw.random() < (0.09 if app == "sales" else 0.02) else "ok"
        model = draw.choices(list(PROVIDERS), [4, 2, 1])[0]
        sentences = draw.randint(1, 6)
        shared = {
            "trace_id": trace, "app": app, "release": draw.choice(["a41f9c2", "b77e012"]), "principal": "local",
            "key_id": draw.choice(["key_web", "key_batch"]), "source": "otlp",
        }  # fmt: skip
        spans += [
            Span(span_id=root, name="answer", kind="answer", started_ns=started, ended_ns=started + took, status=status,
                 answer_id=f"ans_{n}", input="How many days?", output="28 days.", **shared,
                 attributes={ABSTAINED: draw.random() < 0.11, SENTENCES: sentences,
                             UNSUPPORTED: sum(draw.random() < 0.07 for _ in range(sentences))}),
            Span(span_id=f"{draw.getrandbits(64):016x}", parent_id=root, name="retrieval", kind="retrieval", status="ok",
                 started_ns=started + 10**6, ended_ns=started + took // 10, **shared),
            Span(span_id=f"{draw.getrandbits(64):016x}", parent_id=root, name="chat", kind="generation", status=status,
                 started_ns=started + took // 10, ended_ns=started + took, provider=PROVIDERS[model], model=model,
                 input_tokens=draw.randint(300, 4000), output_tokens=draw.randint(20, 600), cached=draw.random() < 0.18,
                 cost_nanousd=None if model == "llama-70b" else draw.randint(10**5, 10**7), answer_id=f"ans_{n}",
                 first_token_ms=draw.lognormvariate(5.5, 0.5), **shared),
            Span(span_id=f"{draw.getrandbits(64):016x}", parent_id=root, name="embed", kind="embedding", status="ok",
                 started_ns=started + 10**6, ended_ns=started + took // 20, provider="openai", model="embed-3",
                 input_tokens=30, cost_nanousd=6000, **shared),
        ]  # fmt: skip
    return spans


def fill(workspace: Workspace, spans: list[Span], tenant: str = "default") -> None:
    """Store spans and count them."""
    for n in range(0, len(spans), 1000):
        workspace.telemetry.store.add(tenant, spans[n : n + 1000])
    workspace.telemetry.roller.catch_up()
