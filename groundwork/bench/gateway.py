"""Measure the gateway with everything on: key, budgets, rates, ledger, trace, cache look-up; beside LiteLLM when asked.

Added latency is the paired difference to calling the upstream directly: one client asks every server once in each round, in
changing order. Throughput is measured in turns too. Load comes from a process of its own, the upstream is another one.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from groundwork.bench import gateway_servers as servers
from groundwork.bench.gateway_load import Target
from groundwork.bench.gateway_servers import Server
from groundwork.testing.upstream_process import UpstreamProcess
from groundwork.testing.upstream_script import Script

CHAT = "/v1/chat/completions"
QUESTION = '{"role":"user","content":"Question {n}: how long is the Loire, in kilometres?"}'
BODY = '{"model":"MODEL","messages":[' + QUESTION + '],"max_tokens":64,"temperature":0STREAM}'
SCRIPT = Script(text="The Loire is 1006 km long, the longest river of France.", chunks=20)
CLIENTS = 32
IDLE_S = 3.0
Say = Callable[[str], None]


def run(
    *,
    rounds: int = 2000,
    requests: int = 6000,
    repeats: int = 3,
    memory_requests: int = 100_000,
    sync: str = "normal",
    litellm: Path | None = None,
    say: Say = lambda _: None,
) -> dict[str, Any]:
    """Measure and return the figures.

    Args:
        rounds: how often one client asks each server, for added latency; halved for streams.
        requests: how many requests of 32 clients make one measurement of throughput. LiteLLM gets a twentieth.
        repeats: measurements of throughput, and parts that the rounds are divided into.
        memory_requests: how many requests memory is watched over; 0 leaves it out.
        sync: the setting `gateway_sync`.
        litellm: an environment in which `litellm[proxy]` is installed; None measures Groundwork alone.
        say: told what is being measured.

    Returns:
        `latency`, `stream`, `throughput`, `cpu`, `memory`, `refusing`: figures with `n` and a range over repeats each,
        milliseconds, requests a second and MiB; `machine` says what they were measured on.
    """
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(UpstreamProcess({"": SCRIPT}, keep=0))
        running = [stack.enter_context(servers.groundwork(upstream.url, sync))]
        if litellm is not None:
            say("starting LiteLLM")
            running.append(stack.enter_context(servers.litellm(upstream.url, litellm)))
        port = int(upstream.url.rpartition(":")[2])
        result: dict[str, Any] = {"machine": _machine(sync), "servers": [s.name for s in running]}
        if litellm is not None:
            result["litellm_version"] = servers.litellm_version(litellm)
        say("latency of one client")
        result["latency"] = _latency(port, running, rounds, repeats, stream=False)
        say("latency of one client, streamed")
        result["stream"] = _latency(port, running, max(repeats, rounds // 2), repeats, stream=True)
        say("processor time of one client")
        result["cpu"] = _cpu(running, max(repeats, rounds // 2), repeats)
        say(f"throughput of {CLIENTS} clients")
        result["throughput"] = _throughput(running, requests, repeats)
        if memory_requests:
            say(f"memory over {memory_requests} requests")
            result["memory"] = _memory(running[0], memory_requests)
        say("with a store that refuses writes")
        result["refusing"] = _refusing(running[0], upstream, max(1000, requests // 3))
        return result


def _latency(
    port: int, running: Sequence[Server], rounds: int, repeats: int, *, stream: bool
) -> dict[str, Any]:
    targets = [_target("direct", port, servers.PROVIDER_KEY, "small", stream)]
    targets += [_target(s.name, s.port, s.key, "lab/small", stream) for s in running]
    parts: list[dict[str, Any]] = []
    for part in range(repeats):
        before = {s.name: s.cpu_s() for s in running}
        warm = 50 if part == 0 else 5
        found = _load(
            {"kind": "one_by_one", "rounds": rounds // repeats, "warm": warm, "seed": part}, targets
        )
        for server in running:
            used = server.cpu_s() - before[server.name]
            found[server.name]["cpu_ms"] = used * 1000 / (rounds // repeats + warm)
        parts.append(found)
    figures: dict[str, Any] = {"direct": _quantiles([p["direct"]["ms"] for p in parts])}
    for server in running:
        here = [p[server.name] for p in parts]
        added = [[a - b for a, b in zip(p[server.name]["ms"], p["direct"]["ms"], strict=True)] for p in parts]
        figures[server.name] = {
            "whole": _quantiles([p["ms"] for p in here]),
            "added": _quantiles(added),
            "errors": sum(sum(p["errors"].values()) for p in here),
        }
        if stream:
            first = [
                [a - b for a, b in zip(p[server.name]["first_ms"], p["direct"]["first_ms"], strict=True)]
                for p in parts
            ]
            figures[server.name]["added_to_first_event"] = _quantiles(first)
    return figures


def _cpu(running: Sequence[Server], rounds: int, repeats: int) -> dict[str, Any]:
    """Return the processor time of a call of one client who has the server to himself, and of a server that nobody asks."""
    figures: dict[str, Any] = {}
    for server in running:
        target = _target(server.name, server.port, server.key, "lab/small", False)
        parts = []
        for part in range(repeats):
            before = server.cpu_s()
            _load(
                {"kind": "one_by_one", "rounds": rounds // repeats, "warm": 0, "seed": 1000 + part}, [target]
            )
            parts.append((server.cpu_s() - before) * 1000 / (rounds // repeats))
        before = server.cpu_s()
        time.sleep(IDLE_S)
        idle = (server.cpu_s() - before) / IDLE_S
        figures[server.name] = {"one_client_ms": _spread(parts), "idle_share": round(idle, 4)}
    return figures


def _throughput(running: Sequence[Server], requests: int, repeats: int) -> dict[str, Any]:
    rows: dict[str, list[dict[str, Any]]] = {
        f"{s.name}{form}": [] for s in running for form in ("", " streamed")
    }
    for turn in range(repeats):
        for server in running:
            for form, stream in (("", False), (" streamed", True)):
                few = requests // (20 if server.name == "litellm" else 1) // (2 if stream else 1)
                target = _target(server.name, server.port, server.key, "lab/small", stream)
                before = server.cpu_s()
                found = _many(target, max(CLIENTS, few), f"t{turn}{form.strip()}")
                found["cpu_ms"] = (server.cpu_s() - before) * 1000 / max(1, found["requests"])
                rows[server.name + form].append(found)
    figures: dict[str, Any] = {}
    for name, found_rows in rows.items():
        figures[name] = {
            "per_second": _spread([r["per_second"] for r in found_rows]),
            "p50_ms": _spread([r["p50_ms"] for r in found_rows]),
            "p99_ms": _spread([r["p99_ms"] for r in found_rows]),
            "cpu_ms": _spread([r["cpu_ms"] for r in found_rows]),
            "n": sum(r["requests"] for r in found_rows),
            "errors": sum(n for r in found_rows for status, n in r["statuses"].items() if status != "200"),
        }
    if "litellm" in figures:
        figures["times_litellm"] = figures["groundwork"]["per_second"]["median"] / max(
            1e-9, figures["litellm"]["per_second"]["median"]
        )
    return figures


def _memory(server: Server, requests: int) -> dict[str, Any]:
    target = _target(server.name, server.port, server.key, "lab/small", False)
    _many(target, min(requests, 3000), "warm")
    rss = [server.rss_mib()]
    parts = 10
    errors = 0
    for part in range(parts):
        found = _many(target, requests // parts, f"m{part}", seconds=600)
        errors += sum(n for status, n in found["statuses"].items() if status != "200")
        rss.append(server.rss_mib())
    return {
        "n": requests,
        "rss_mib": [round(v, 1) for v in rss],
        "growth_mib": rss[-1] - rss[0],
        "errors": errors,
    }


def _refusing(server: Server, upstream: UpstreamProcess, requests: int) -> dict[str, Any]:
    target = _target(server.name, server.port, server.key, "lab/small", False)
    stored = _stored(server)
    reached, rss = upstream.told()["requests"], server.rss_mib()
    with server.refusing_writes():
        found = _many(target, requests, "full")
        grown = server.rss_mib() - rss
        reached = upstream.told()["requests"] - reached
    began = time.perf_counter()
    status = 0
    while status != 200 and time.perf_counter() - began < 30:
        status, _ = servers.ask(
            server, CHAT, {"model": "lab/small", "messages": [{"role": "user", "content": "Back?"}]}
        )
        time.sleep(0 if status == 200 else 0.05)
    return {
        "n": found["requests"],
        "statuses": found["statuses"],
        "example": found["example"],
        "reached_upstream": reached,
        "rows_added": _stored(server) - stored - 1,
        "open_rows": _stored(server, state="open"),
        "growth_mib": grown,
        "p99_ms": found["p99_ms"],
        "serves_again": status == 200,
        "serves_again_after_s": round(time.perf_counter() - began, 2),
    }


def _stored(server: Server, state: str = "") -> int:
    from sqlalchemy import func, select

    from groundwork.storage.tables import calls

    assert server.workspace is not None
    query = select(func.count()).select_from(calls)
    if state:
        query = query.where(calls.c.state == state)
    with server.workspace.rooms.database.read() as connection:
        return int(connection.execute(query).scalar_one())


def _many(target: Target, requests: int, prefix: str, seconds: float = 120.0) -> dict[str, Any]:
    plan = {
        "kind": "together",
        "clients": CLIENTS,
        "requests": requests,
        "seconds": seconds,
        "prefix": prefix,
    }
    return _load(plan, [target])


def _load(plan: dict[str, Any], targets: Sequence[Target]) -> dict[str, Any]:
    """Run the load generator and return what it measured."""
    done = subprocess.run(
        [sys.executable, "-m", "groundwork.bench.gateway_load"],
        input=json.dumps({**plan, "targets": [asdict(t) for t in targets]}),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the load generator ended with {done.returncode}: {done.stderr[-500:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _target(name: str, port: int, key: str, model: str, stream: bool) -> Target:
    body = BODY.replace("MODEL", model).replace("STREAM", ',"stream":true' if stream else "")
    return Target(name, port, CHAT, _headers(key), body, stream)


def _headers(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}", "user-agent": "groundwork-bench", "accept": "*/*"}


def _quantiles(parts: Sequence[Sequence[float]]) -> dict[str, Any]:
    """Return p50 and p99 of all rounds with 95 % bootstrap intervals, and the range over the parts."""
    every = sorted(v for part in parts for v in part)
    draw = random.Random(0)  # noqa: S311
    resampled = [sorted(draw.choices(every, k=len(every))) for _ in range(200)]
    found: dict[str, Any] = {"n": len(every)}
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        at = sorted(_at(sample, share) for sample in resampled)
        found[name] = round(_at(every, share), 4)
        found[f"{name}_interval"] = [round(at[4], 4), round(at[194], 4)]
        found[f"{name}_range"] = _range([_at(sorted(part), share) for part in parts])
    return found


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def _spread(values: Sequence[float]) -> dict[str, Any]:
    ordered = sorted(values)
    return {"median": round(ordered[len(ordered) // 2], 4), "range": _range(values), "repeats": len(values)}


def _range(values: Sequence[float]) -> list[float]:
    return [round(min(values), 4), round(max(values), 4)]


def _machine(sync: str) -> dict[str, Any]:
    return {
        "cores": os.cpu_count(),
        "python": sys.version.split()[0],
        "gateway_sync": sync,
        "load_average": round(os.getloadavg()[0], 2),
        "fdatasync_ms": _fdatasync_ms(),
    }


def _fdatasync_ms() -> float:
    """Return the median time in which a page reaches the disk of temporary files."""
    times = []
    with tempfile.NamedTemporaryFile() as file:
        for _ in range(50):
            file.write(b"x" * 4096)
            file.flush()
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - began) * 1000)
    return round(sorted(times)[25], 3)
