"""Measure releases: how fast a rollback is, what a thousand requests notice of it, and how well canaries judge.

The canary is simulated with the very judge that servers use (`releases.judging.Judge`), on requests whose scores are drawn;
promotions and rollbacks are done for real, on a workspace of their own, with a server that answers meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from groundwork.app.workspace import Workspace
from groundwork.bench.gateway_servers import Server, free_port, wait_for
from groundwork.core.errors import InvalidInputError
from groundwork.core.improvement import CanarySpec
from groundwork.core.principal import LOCAL
from groundwork.evaluation.statistics.rates import wilson
from groundwork.releases.assigning import arm
from groundwork.releases.judging import Judge

SPEC = '[indexes.default]\nbackend = "memory"\nembedder = "none"\n'
TEXT = "# Leave policy\n\nEvery employee has {days} days of paid leave a year.\n"
QUESTION = "How many days of paid leave does every employee have?"
LIMIT_S = 1.0
MOVE_EVERY_S = 0.1
PATIENCE_S = 300.0
REGRESSION = 0.10
DISCORDANT = 0.20
"""Share of requests on which the two releases differ where neither is better."""
BASELINE = 0.85
Progress = Callable[[int, int, str], object]


def run(
    *,
    moves: int = 50,
    requests: int = 1000,
    runs: int = 1000,
    length: int = 500,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Measure all three.

    Args:
        moves: rollbacks that are timed. requests: how many are asked at once while releases are moved.
        runs: simulated canaries of each design, at least 20. length: requests of each.

    Returns:
        `{rollback, moving, canary, seed, seconds, holds}`.
    """
    if runs < 20 or moves < 2 or requests < 1 or length < 10:
        raise InvalidInputError("so few tell nothing", hint="leave the numbers as they are")
    tell = progress or (lambda done, total, what: None)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="groundwork-bench-") as folder:
        root = Path(folder)
        with _workspace(root) as home:
            rollback = _rollbacks(home, moves, tell)
        moving = asyncio.run(_moving(root, requests, tell))
    canary = simulate(runs, length, seed, tell)
    return {
        "rollback": rollback,
        "moving": moving,
        "canary": canary,
        "seed": seed,
        "seconds": round(time.monotonic() - began, 1),
        "holds": rollback["holds"] and moving["holds"] and all(d["holds"] for d in canary if d["judged"]),
    }


# -- moving releases ---------------------------------------------------------------------------------------------------
@contextlib.contextmanager
def _workspace(root: Path) -> Iterator[Workspace]:
    """Give a workspace with two releases, both promoted, the second standing."""
    (root / "groundwork.toml").write_text(SPEC)
    with Workspace.init(root) as home:
        for days in ("28", "30"):
            (root / "leave.md").write_text(TEXT.format(days=days))
            home.ingest([root / "leave.md"])
            release, _ = home.releases.create()
            home.releases.promotions.promote(LOCAL, release.id, "production")
        yield home


def _rollbacks(home: Workspace, moves: int, tell: Progress) -> dict[str, Any]:
    """Time rollbacks, each followed by a question to another process' view of the workspace."""
    taken, right = [], 0
    with Workspace.open(home.root) as other:
        for n in range(moves):
            began = time.perf_counter()
            home.releases.promotions.rollback(LOCAL, "default", "production", to="default@1")
            taken.append(time.perf_counter() - began)
            right += "28 days" in other.ask(QUESTION).text
            home.releases.promotions.promote(LOCAL, "default@2", "production")
            tell(n + 1, moves, "rollbacks")
    slowest = max(taken)
    return {
        "n": moves,
        "p50_ms": round(statistics.median(taken) * 1000, 2),
        "max_ms": round(slowest * 1000, 2),
        "next_request_served_by_the_former": right,
        "holds": slowest < LIMIT_S and right == moves,
    }


async def _moving(root: Path, requests: int, tell: Progress) -> dict[str, Any]:
    """Ask a server so many questions at once while the pointer is moved from another process."""
    import aiohttp

    with Workspace.open(root) as home:
        key, _ = home.keys.create(LOCAL, "bench", role="viewer", access=None)
        with _server(root) as server:
            seen: Counter[str] = Counter()
            moved = 0
            headers = {"authorization": f"Bearer {key}"}
            timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
            connector = aiohttp.TCPConnector(limit=0)
            async with aiohttp.ClientSession(
                f"http://127.0.0.1:{server.port}", headers=headers, timeout=timeout, connector=connector
            ) as client:
                asked = [
                    asyncio.create_task(_asked(client, n % 2 == 0, seen, requests, tell))
                    for n in range(requests)
                ]
                began = time.perf_counter()
                while not all(task.done() for task in asked):
                    await asyncio.to_thread(_move, home, moved)
                    moved += 1
                    await asyncio.sleep(MOVE_EVERY_S)
                await asyncio.gather(*asked)
                seconds = time.perf_counter() - began
    errors = sum(count for word, count in seen.items() if not word.startswith("default@"))
    return {
        "requests": requests,
        "moves": moved,
        "errors": errors,
        "answered_by": dict(sorted(seen.items())),
        "seconds": round(seconds, 1),
        "holds": errors == 0 and moved > 1,
    }


def _move(home: Workspace, moved: int) -> None:
    promotions = home.releases.promotions
    if moved % 2:
        promotions.promote(LOCAL, "default@2", "production")
    else:
        promotions.rollback(LOCAL, "default", "production", to="default@1")


async def _asked(client: Any, native: bool, seen: Counter[str], total: int, tell: Progress) -> None:
    """Ask once, as an app of the platform or as a model, and note which release answered."""
    path, body = "/api/ask", {"question": QUESTION}
    if not native:
        path = "/v1/chat/completions"
        body = {"model": "app/default", "messages": [{"role": "user", "content": QUESTION}]}  # type: ignore[dict-item]
    try:
        async with client.post(path, json=body) as reply:
            text = await reply.text()
            ok = reply.status in (200, 201)
            word = (
                "default@1" if "28 days" in text else "default@2" if "30 days" in text else "another answer"
            )
            seen[word if ok else f"status {reply.status}"] += 1
    except Exception as error:
        seen[type(error).__name__] += 1
    done = sum(seen.values())
    if done % 50 == 0:
        tell(done, total, "requests")


@contextlib.contextmanager
def _server(root: Path) -> Iterator[Server]:
    program = (
        "import sys; from pathlib import Path; from groundwork.server.serve import run;"
        "run(Path(sys.argv[1]), port=int(sys.argv[2]))"
    )
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(root), str(port)],
        env=dict(os.environ),
        stderr=subprocess.DEVNULL,
        text=True,
    )
    server = Server("groundwork", process, port, "")
    try:
        wait_for(server, "/livez")
        yield server
    finally:
        server.stop()


# -- canaries ----------------------------------------------------------------------------------------------------------
def simulate(runs: int, length: int, seed: int, tell: Progress | None = None) -> list[dict[str, Any]]:
    """Simulate canaries with and without a regression of ten points; return one result for each design.

    In pairs: of 100 requests the two differ in 20, `dependent`; or are scored as if two strangers were asked, `independent`.
    Without pairs each request is scored for one arm alone. `judged` marks the default, which has to hold.
    """
    designs = (
        ("pairs, dependent", "paired", DISCORDANT, 0.1, True),
        ("pairs, independent", "paired", None, 0.1, False),
        ("no pairs, share .5", "rates", None, 0.5, False),
        ("no pairs, share .1", "rates", None, 0.1, False),
    )
    found = []
    for place, (name, kind, discordant, share, judged) in enumerate(designs):
        rates = {}
        for worse, word in ((REGRESSION, "regression"), (0.0, "no difference")):
            source = np.random.default_rng([seed, place, int(worse * 100)])
            taken = []
            for n in range(runs):
                taken.append(_taken_back(kind, discordant, share, worse, length, source, f"{seed}-{n}"))
                if tell is not None and n % 50 == 49:
                    tell(n + 1, runs, f"{name}, {word}")
            rates[word] = taken
        caught = [n for n in rates["regression"] if n is not None]
        false = [n for n in rates["no difference"] if n is not None]
        power, level = wilson(len(caught), runs), wilson(len(false), runs)
        found.append(
            {
                "design": name,
                "runs": runs,
                "requests": length,
                "rolled_back": _interval(power),
                "false_rollbacks": _interval(level),
                "median_requests": statistics.median(caught) if caught else None,
                "judged": judged,
                "holds": power.value >= 0.9 and level.value <= 0.05,
            }
        )
    return found


def _taken_back(
    kind: str,
    discordant: float | None,
    share: float,
    worse: float,
    length: int,
    source: np.random.Generator,
    salt: str,
) -> int | None:
    """Return after how many requests a canary was taken back, None where it was not."""
    judge = Judge(CanarySpec(mirror=kind == "paired", max_requests=length, share=share))
    draws = source.random((length, 2))
    for n in range(length):
        if discordant is None:
            baseline = float(draws[n, 0] < BASELINE)
            candidate = float(draws[n, 1] < BASELINE - worse)
        else:
            wins, losses = (discordant - worse) / 2, (discordant + worse) / 2
            candidate = float(not draws[n, 0] < losses)
            baseline = float(not losses <= draws[n, 0] < losses + wins)
        if judge.add(arm(salt, str(n), share), candidate, baseline) == "harm":
            return n + 1
    return None


def _interval(found: Any) -> dict[str, float]:
    return {"value": found.value, "low": found.low, "high": found.high}
