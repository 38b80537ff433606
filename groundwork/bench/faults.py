"""Meet every fault of a provider, whole and streamed, in every dialect, and check how each call ended.

The server is the real one with its ledger, in this process, so that tasks and sockets it leaves behind are seen; the
scripted upstream is a process of its own. A cell that was late is run once more by itself, since the machine may have been
busy, and is counted in `again`.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import io
import logging
import os
import socket
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundwork.app.workspace import Workspace
from groundwork.bench.fault_cells import PATHS, SECRET, Cell, Outcome, cells, complaints
from groundwork.testing.upstream import Seen
from groundwork.testing.upstream_process import UpstreamProcess
from groundwork.testing.upstream_script import Script

if TYPE_CHECKING:
    import aiohttp

MakeApp = Callable[[Workspace], Any]
DEADLINE_S = 1.0
RECOVERY_S = 4.0
"""Retry-After asks for one second, and the date form of it is good to one second only."""
LIGHT, HEAVY = 12, 1
"""How many cells run at once."""
KEY = "GROUNDWORK_LAB_KEY"


def run(
    make_app: MakeApp,
    *,
    only: Sequence[Cell] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Run the matrix.

    Args:
        make_app: makes the ASGI application of a workspace (the command line hands the server's in).
        only: these cells instead of all.
        progress: told how many cells of how many are done.

    Returns:
        `cells`, `passed`, `faults` (kinds), `seconds`, `again` (cells run twice), `slowest_ms` of those with a deadline, and
        `failures`: `{cell, complaints}` each.
    """
    chosen = list(cells() if only is None else only)
    with (
        tempfile.TemporaryDirectory(prefix="groundwork-faults-") as folder,
        _environment(),
        UpstreamProcess() as upstream,
    ):
        workspace = _workspace(Path(folder), chosen, upstream)
        try:
            with asyncio.Runner(loop_factory=_loop_factory()) as runner:
                return runner.run(_Lab(workspace, upstream, make_app, chosen, progress).run())
        finally:
            workspace.close()


def summary(result: Mapping[str, Any]) -> str:
    """Return the result as a few lines of text: how many cells passed of each part, and what is wrong with the others."""
    lines = [
        f"fault cells: {result['passed']} of {result['cells']} passed, {result['faults']} kinds of fault"
    ]
    lines += [f"  {part:<10} {passed}" for part, passed in result["by_part"].items()]
    lines += [
        f"  slowest    {result['slowest_ms']} ms of {result['deadline_ms']} ms; {len(result['again'])} run twice"
    ]
    lines += [f"  left       {result['left_behind']}"]
    lines += [f"  {row['cell']}: {'; '.join(row['complaints'])}" for row in result["failures"]]
    return "\n".join(lines)


class _Lab:
    def __init__(
        self,
        workspace: Workspace,
        upstream: UpstreamProcess,
        make_app: MakeApp,
        chosen: Sequence[Cell],
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self.workspace = workspace
        self.upstream = upstream
        self.make_app = make_app
        self.chosen = chosen
        self.progress = progress
        self.done = 0
        self.log = io.StringIO()

    async def run(self) -> dict[str, Any]:
        began = time.perf_counter()
        handler = logging.StreamHandler(self.log)
        logging.getLogger().addHandler(handler)
        tasks, sockets = len(asyncio.all_tasks()), _sockets()
        try:
            async with _serving(self.make_app(self.workspace)) as url:
                outcomes = await self._wave(url, [c for c in self.chosen if not c.heavy], LIGHT)
                outcomes |= await self._wave(url, [c for c in self.chosen if c.heavy], HEAVY)
                late = {c: o.elapsed_s for c, o in outcomes.items() if o.elapsed_s > _deadline(c) * 1.1}
                outcomes |= await self._wave(url, list(late), 1)
        finally:
            logging.getLogger().removeHandler(handler)
        found = {c: list(complaints(c, o, _deadline(c))) for c, o in outcomes.items()}
        failures = {c: said for c, said in found.items() if said}
        left = await self._left_behind(tasks, sockets)
        return {
            "cells": len(outcomes),
            "passed": len(outcomes) - len(failures),
            "faults": len({c.fault for c in outcomes}),
            "by_part": _by_part(outcomes, failures),
            "again": [f"{c.name}: {s:.2f} s" for c, s in late.items()],
            "deadline_ms": round(DEADLINE_S * 1000),
            "slowest_ms": round(
                max((o.elapsed_s for c, o in outcomes.items() if c.part == "end"), default=0) * 1000
            ),
            "seconds": round(time.perf_counter() - began, 1),
            "left_behind": left,
            "failures": [{"cell": c.name, "complaints": said} for c, said in failures.items()],
        }

    async def _wave(self, url: str, chosen: Sequence[Cell], at_once: int) -> dict[Cell, Outcome]:
        import aiohttp

        await asyncio.to_thread(self.upstream.play, {})  # requests are counted from 1 again
        waiting = asyncio.Semaphore(at_once)
        timeout = aiohttp.ClientTimeout(total=RECOVERY_S * 2)
        async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0)) as session:

            async def one(cell: Cell) -> tuple[Cell, Outcome]:
                async with waiting:
                    outcome = await _ask(session, url, cell)
                self.done += 1
                if self.progress is not None:
                    self.progress(self.done, len(self.chosen))
                return cell, outcome

            outcomes = dict(await asyncio.gather(*(one(cell) for cell in chosen)))
        await asyncio.sleep(0.1)
        await self._recorded(outcomes)
        return outcomes

    async def _recorded(self, outcomes: Mapping[Cell, Outcome]) -> None:
        """Add to each outcome what the ledger and the upstream say."""
        seen: dict[str, list[Seen]] = {}
        for row in await asyncio.to_thread(self.upstream.seen):
            seen.setdefault(row.script, []).append(row)
        ledger = await asyncio.to_thread(_ledger, self.workspace)
        for cell, outcome in outcomes.items():
            outcome.call, outcome.attempts = ledger.get(outcome.call_id, (None, ()))
            there = seen.get(cell.name, [])
            outcome.seen = len(there)
            outcome.unfinished = sum(not s.finished and not s.gone for s in there)

    async def _left_behind(self, tasks: int, sockets: int) -> dict[str, Any]:
        """Return what is still there after the server has stopped; all of it is to be 0."""
        self.workspace.close()
        for _ in range(20):
            gc.collect()
            told = await asyncio.to_thread(self.upstream.told)
            left = {
                "tasks": max(0, len(asyncio.all_tasks()) - tasks),
                "sockets": max(0, _sockets() - sockets),
                "upstream_connections": max(0, int(told["open"]) - 1),  # the one that asks
                "redirects_followed": int(told["inside"]),
                "secrets_logged": self.log.getvalue().count(SECRET),
            }
            if not any(left.values()):
                break
            await asyncio.sleep(0.1)
        return left


async def _ask(session: aiohttp.ClientSession, url: str, cell: Cell) -> Outcome:
    """Make one call and take its whole answer."""
    import aiohttp

    outcome = Outcome()
    headers = {"anthropic-version": "2023-06-01"} if cell.inbound == "anthropic_messages" else {}
    began = time.perf_counter()
    taken = bytearray()
    try:
        async with session.post(url + PATHS[cell.inbound], json=cell.body(), headers=headers) as reply:
            outcome.status = reply.status
            outcome.headers = str(dict(reply.headers)).lower()
            outcome.call_id = reply.headers.get("x-request-id", "")
            async for data in reply.content.iter_any():
                taken += data
    except TimeoutError:
        outcome.hung = True
    except aiohttp.ClientError as error:
        outcome.broken = repr(error)
    outcome.elapsed_s = time.perf_counter() - began
    outcome.body = bytes(taken)
    return outcome


def _deadline(cell: Cell) -> float:
    return DEADLINE_S if cell.part == "end" else RECOVERY_S


def _by_part(chosen: Iterable[Cell], failures: Mapping[Cell, Any]) -> dict[str, str]:
    every = Counter("embeddings" if c.inbound == "openai_embeddings" else c.part for c in chosen)
    bad = Counter("embeddings" if c.inbound == "openai_embeddings" else c.part for c in failures)
    return {part: f"{n - bad[part]} of {n}" for part, n in every.items()}


def _ledger(workspace: Workspace) -> dict[str, tuple[Mapping[str, Any], list[Mapping[str, Any]]]]:
    from sqlalchemy import select

    from groundwork.storage.tables import attempts, calls

    with workspace.rooms.database.read() as connection:
        found: dict[str, tuple[Mapping[str, Any], list[Mapping[str, Any]]]] = {}
        found = {row["id"]: (dict(row), []) for row in connection.execute(select(calls)).mappings()}
        for row in connection.execute(select(attempts).order_by(attempts.c.n)).mappings():
            found[row["call_id"]][1].append(dict(row))
    return found


def _workspace(folder: Path, chosen: Iterable[Cell], upstream: UpstreamProcess) -> Workspace:
    """Make a workspace in which every cell has a provider of its own, so that none opens the breaker of another."""
    lines = [
        f"call_deadline_s = {DEADLINE_S}",
        "call_attempts = 2",
        "",
        "[indexes.default]",
        'embedder = "none"',
        "",
    ]
    scripts = {"good": Script()}
    lines += _provider("good", "openai", f"{upstream.url}/good")
    for cell in chosen:
        scripts[cell.name] = cell.script
        places = {"connect_refused": upstream.refused_url, "invalid_tls": upstream.tls_url}
        lines += _provider(cell.name, cell.wire, f"{places.get(cell.fault, upstream.url)}/{cell.name}")
        if cell.part != "end":
            lines += [f"[models.{cell.name}-n]", f'routes = [{{ model = "{cell.name}/m" }}]']
            lines += [f"deadline_s = {RECOVERY_S}", "attempts = 2"]
            lines += ['fallbacks = ["good/m"]', ""] if cell.part == "fallback" else [""]
    upstream.play(scripts)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "groundwork.toml").write_text("\n".join(lines))
    return Workspace.init(folder)


def _provider(name: str, wire: str, place: str) -> list[str]:
    kind, auth = ("anthropic", "x-api-key") if wire == "anthropic" else ("openai_compatible", "bearer")
    kinds = "embedding" if "-emb-" in name else "chat"
    return [
        f"[providers.{name}]",
        f'kind = "{kind}"',
        f'base_url = "{place}/v1"',
        f'key = "env:{KEY}"',
        f'auth = "{auth}"',
        f'models = {{ m = {{ kind = "{kinds}", dimensions = 8 }} }}'
        if kinds == "embedding"
        else "models = { m = {} }",
        "",
    ]


@contextlib.contextmanager
def _environment() -> Iterator[None]:
    before = os.environ.get(KEY)
    os.environ[KEY] = SECRET
    try:
        yield
    finally:
        if before is None:
            del os.environ[KEY]
        else:
            os.environ[KEY] = before


@contextlib.asynccontextmanager
async def _serving(app: Any) -> AsyncIterator[str]:
    """Serve the application in this loop, on a free port."""
    import uvicorn

    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="on", timeout_graceful_shutdown=5
    )
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server._serve([listener]))
    while not server.started:
        if task.done():
            task.result()
        await asyncio.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listener.close()


def _sockets() -> int:
    """Return how many sockets this process holds; 0 where the system does not tell."""
    count = 0
    with contextlib.suppress(OSError):
        for name in os.listdir("/proc/self/fd"):
            with contextlib.suppress(OSError):
                count += os.readlink(f"/proc/self/fd/{name}").startswith("socket:")
    return count


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
