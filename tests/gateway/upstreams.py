"""A real server process with scripted upstreams behind it, for tests that go through the front door."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import select

from groundwork.app.workspace import Workspace
from groundwork.core.principal import LOCAL
from groundwork.storage.tables import attempts, calls
from groundwork.testing.upstream import Seen, Upstream, serving
from groundwork.testing.upstream_script import Call, Script

PROVIDER_KEY = "sk-lab-5ecret-0f-the-provider"
SCRIPT = "import sys; from pathlib import Path; from groundwork.server.serve import run; run(Path(sys.argv[1]), port=0)"
WEATHER = Call("get_weather", '{"city": "Paris"}')
PARALLEL = (Call("get_weather", '{"city": "Paris"}'), Call("get_weather", '{"city": "Nantes"}'))
RIVER = '{"name": "Loire", "length_km": 1006}'

SCRIPTS: Mapping[str, Script] = {
    "hello": Script(key=PROVIDER_KEY),
    "tool": Script(text="", calls=(WEATHER,)),
    "tools": Script(text="I look both up.", calls=PARALLEL),
    "river": Script(text=RIVER, chunks=5),
    "broken-river": Script(text='{"name": 1}'),
    "slow": Script(text="word " * 200, chunks=200, chunk_delay_s=0.05),
    "retry": Script(fault="rate_limited_seconds", retry_after="0.2", times=1),
    "retry-npm": Script(fault="rate_limited_seconds", retry_after="0.2", times=1),
    "slow-npm": Script(text="word " * 200, chunks=200, chunk_delay_s=0.05),
    "always-429": Script(fault="rate_limited_seconds"),
    "silent": Script(fault="silence"),
    "cut": Script(text="one two three four", fault="unterminated"),
    "down": Script(fault="status_500"),
    "html": Script(fault="html"),
    "rotated": Script(fault="key_rotated"),
    "embed": Script(dimension=8),
    "short": Script(),
}
SPEC = """\
call_deadline_s = 10.0
call_attempts = 2

[indexes.default]
embedder = "none"

[providers.lab]
base_url = "{url}/v1"
key = "env:GROUNDWORK_TEST_KEY"
[providers.lab.models]
{models}

[providers.claude]
kind = "anthropic"
base_url = "{url}/v1"
key = "env:GROUNDWORK_TEST_KEY"
auth = "x-api-key"
[providers.claude.models]
{models}

[models.fallen]
routes = [{{ model = "lab/down" }}]
fallbacks = ["claude/hello"]
"""


def answer_tools(seen: Seen) -> Script | None:
    """Answer with text once the result of a tool is in the conversation, as a model would."""
    body = seen.json or {}
    for message in body.get("messages", []) if isinstance(body, dict) else []:
        blocks = message.get("content") if isinstance(message.get("content"), list) else []
        if message.get("role") == "tool" or any(b.get("type") == "tool_result" for b in blocks):
            return Script(text="It is sunny in Paris.")
    return None


class Served:
    """A server in its own process on a free port, and its workspace opened here beside it."""

    def __init__(self, root: Path, upstream: Upstream, spec: str = "", before: str = "") -> None:
        self.root = root
        self.upstream = upstream
        self._keys = 0
        root.mkdir(parents=True, exist_ok=True)
        (root / "groundwork.toml").write_text(spec or spec_for(upstream.url))
        self.workspace = Workspace.init(root)
        environment = {**os.environ, "GROUNDWORK_TEST_KEY": PROVIDER_KEY}
        self.log = (root / "server.log").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-c", f"{before}\n{SCRIPT}", str(root)],
            stderr=self.log,
            text=True,
            env=environment,
        )
        self.url = self._announced()

    def _announced(self) -> str:
        for _ in range(600):
            said = (self.root / "server.log").read_text()
            if "is at http" in said:
                return said.split("is at ")[1].split()[0]
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError(f"the server did not start: {said}")

    def key(self, name: str = "test", **options: Any) -> str:
        """Make an API key and return it."""
        self._keys += 1
        secret, _ = self.workspace.keys.create(LOCAL, f"{name} {self._keys}", **options)
        return secret

    def last_call(self, **where: Any) -> Mapping[str, Any]:
        """Return the newest row of the ledger with these values."""
        with self.workspace.rooms.database.read() as connection:
            query = select(calls).order_by(calls.c.id.desc()).limit(1)
            for name, value in where.items():
                query = query.where(calls.c[name] == value)
            found = connection.execute(query).mappings().first()
        assert found is not None, f"no call {where}"
        return dict(found)

    def attempts_of(self, call_id: str) -> list[Mapping[str, Any]]:
        """Return the attempts of a call in order."""
        with self.workspace.rooms.database.read() as connection:
            query = select(attempts).where(attempts.c.call_id == call_id).order_by(attempts.c.n)
            return [dict(row) for row in connection.execute(query).mappings()]

    def count_calls(self) -> int:
        """Return how many calls the ledger has."""
        with self.workspace.rooms.database.read() as connection:
            return len(connection.execute(select(calls.c.id)).all())

    def said(self) -> str:
        """Return what the server wrote to its log."""
        return (self.root / "server.log").read_text()

    def stop(self) -> None:
        """End the server."""
        self.workspace.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()


def spec_for(url: str, scripts: Mapping[str, Script] = SCRIPTS) -> str:
    """Return a spec in which both providers serve every script as a model of its name."""
    special = {"embed": '{ kind = "embedding", dimensions = 8 }', "short": "{ context_tokens = 200 }"}
    price = "{ price = { input = 1.0, output = 2.0 } }"
    models = "\n".join(f'"{name}" = {special.get(name, price)}' for name in scripts)
    return SPEC.format(url=url, models=models)


@contextmanager
def served(
    root: Path,
    scripts: Mapping[str, Script] = SCRIPTS,
    choose: Callable[[Seen], Script | None] | None = answer_tools,
    *,
    before: str = "",
    spec: str = "",
) -> Iterator[Served]:
    """Give a running server whose providers are scripted.

    Args:
        before: Python that the server's process runs first, to shorten a wait.
        spec: text that is put before the usual spec.
    """
    with serving(Upstream({**scripts, "": Script()}, choose=choose)) as upstream:
        server = Served(root, upstream, spec + spec_for(upstream.url, scripts), before)
        try:
            yield server
        finally:
            server.stop()


def eventually(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    """Return whether something came true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return condition()
