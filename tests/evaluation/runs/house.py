"""A workspace to evaluate in: documents with questions about them, models that play a script, and small datasets."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from groundwork.app.workspace import Workspace
from groundwork.core.principal import LOCAL, Principal
from groundwork.datasets.types import DatasetVersion, Example
from groundwork.evaluation.types import Evaluation
from groundwork.testing.upstream import Upstream, serving
from groundwork.testing.upstream_script import Script
from tests.workspaces import FILES, write

SPEC = """\
[indexes.default]
backend = "memory"
embedder = "none"

[indexes.empty]
backend = "memory"
embedder = "none"

[apps.default]
strategy = "lexical"
threshold = 0.1

[apps.void]
index = "empty"

[apps.talking]
strategy = "lexical"
model = "play/talker"
threshold = 0.0

[providers.play]
kind = "scripted"

[providers.play.options.scripts]
talker = { text = "Every employee has 28 days of paid leave a year [1]." }
right = { text = "28 days" }
down = { text = "never", fail = "server_error", fail_times = 1000000, status = 500 }

[providers.play.models.right]
price = { input = 2.5, output = 20.0 }
[providers.play.models.down]
[providers.play.models.talker]
price = { input = 2.5, output = 20.0 }
"""
LAB = """
[providers.lab]
base_url = "{url}/v1"
auth = "none"
[providers.lab.models.m]
price = {{ input = 10.0, output = 30.0 }}
"""
QUESTIONS = (
    ("How many days of paid leave has every employee a year?", "28 days", "leave"),
    ("How many days of unused leave may be carried over?", "5 days", "leave"),
    ("In which class are trains booked?", "second class", "travel"),
    ("Who approves flights?", "a manager", "travel"),
    ("How many characters must passwords have?", "14 characters", "it"),
    ("Which colour has the cantine?", None, "none"),
)


def workspace_at(root: Path, spec: str = SPEC) -> Workspace:
    """Make the workspace with its documents."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "groundwork.toml").write_text(spec, encoding="utf-8")
    workspace = Workspace.init(root)
    workspace.ingest([write(root / "docs", FILES)])
    return workspace


def questions() -> list[Example]:
    """Return questions about the documents; one has no answer in them."""
    return [
        Example(f"q{n}", asked, answer, impossible=answer is None, cluster=topic, tags=(f"topic:{topic}",))
        for n, (asked, answer, topic) in enumerate(QUESTIONS)
    ]


def kept_evaluation(workspace: Workspace, principal: Principal) -> Evaluation:
    """Run the default app over one example of the principal's own, and return what came of it."""
    asked = Example("e1", f"How many days of leave are there in {principal.tenant}?", "28 days")
    version = workspace.datasets.create(principal, f"runs-{principal.tenant}", [asked])
    return workspace.evaluate("default", dataset=version.ref, principal=principal)


def numbered(count: int, expected: str = "28 days") -> list[Example]:
    """Return so many examples, each with an input of its own."""
    return [
        Example(f"e{n:05}", f"question number {n}", expected, tags=("odd",) if n % 2 else ())
        for n in range(count)
    ]


def keep(workspace: Workspace, examples: Sequence[Example], name: str = "golden") -> DatasetVersion:
    """Make a dataset of examples."""
    return workspace.datasets.create(LOCAL, name, list(examples))


@contextmanager
def lab(delay_s: float = 0.0) -> Iterator[Upstream]:
    """Serve a model that counts what it is asked."""
    with serving(Upstream({"": Script(text="28 days", delay_s=delay_s)})) as upstream:
        yield upstream


def asked_of(upstream: Upstream) -> list[str]:
    """Return the last message of every request that came, in order."""
    return [str(seen.json["messages"][-1]["content"]) for seen in upstream.seen]


def command(root: Path, *words: str, failpoint: str = "") -> subprocess.Popen[str]:
    """Start the command line in a process of its own; `failpoint` is where it dies."""
    env = {**os.environ, "GW_FAILPOINT": failpoint}
    return subprocess.Popen(
        [sys.executable, "-m", "groundwork.cli", *words],
        cwd=root, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def kill(process: subprocess.Popen[str]) -> None:
    """End a process as a power cut would."""
    process.send_signal(signal.SIGKILL)
    process.wait(30)
