"""The servers that a bench of the gateway starts: Groundwork itself and LiteLLM, and what they use of the machine."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundwork.app.workspace import Workspace
from groundwork.core.errors import UnavailableError
from groundwork.core.principal import LOCAL

PROVIDER_KEY = "sk-bench-provider"
MASTER_KEY = "sk-bench-master"
START_SECONDS = 90.0
SPEC = """\
gateway_sync = "{sync}"
[indexes.default]
embedder = "none"
[providers.lab]
base_url = "{upstream}/v1"
key = "env:GROUNDWORK_BENCH_KEY"
[providers.lab.models]
small = {{ price = {{ input = 0.15, output = 0.6 }} }}
"""
LITELLM = """\
model_list:
  - model_name: lab/small
    litellm_params:
      model: openai/small
      api_base: {upstream}/v1
      api_key: {key}
general_settings:
  master_key: {master}
litellm_settings:
  telemetry: false
"""


@dataclass
class Server:
    """A running server: its process, its port, and the key it is called with."""

    name: str
    process: subprocess.Popen[str]
    port: int
    key: str
    workspace: Workspace | None = None

    def cpu_s(self) -> float:
        """Processor seconds of the process and its children so far."""
        return sum(_cpu_s(pid) for pid in _tree(self.process.pid))

    def rss_mib(self) -> float:
        """Resident memory of the process and its children."""
        return sum(_rss_mib(pid) for pid in _tree(self.process.pid))

    @contextlib.contextmanager
    def refusing_writes(self) -> Iterator[None]:
        """Let every write of the process to a file fail, as on a full disk, for a while."""
        before = resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (0, before[1]))
        try:
            yield
        finally:
            resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, before)

    def stop(self) -> None:
        """End it."""
        if self.workspace is not None:
            self.workspace.close()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextlib.contextmanager
def groundwork(upstream: str, sync: str = "full") -> Iterator[Server]:
    """Give a server of a new workspace with one provider, and a key with a budget and rates that are checked each time."""
    with tempfile.TemporaryDirectory(prefix="groundwork-bench-") as folder:
        root = Path(folder)
        (root / "groundwork.toml").write_text(SPEC.format(upstream=upstream, sync=sync))
        workspace = Workspace.init(root)
        key, _ = workspace.keys.create(
            LOCAL,
            "bench",
            budget_usd={"day": 10_000.0, "month": 100_000.0},
            requests_per_minute=10_000_000,
            tokens_per_minute=10_000_000_000,
        )
        program = (
            "import sys; from pathlib import Path; from groundwork.server.serve import run;"
            "run(Path(sys.argv[1]), port=int(sys.argv[2]))"
        )
        port = free_port()
        process = subprocess.Popen(
            [sys.executable, "-c", program, folder, str(port)],
            env={**os.environ, "GROUNDWORK_BENCH_KEY": PROVIDER_KEY},
            stderr=subprocess.DEVNULL,
            text=True,
        )
        server = Server("groundwork", process, port, key, workspace)
        try:
            wait_for(server, "/livez")
            yield server
        finally:
            server.stop()


@contextlib.contextmanager
def litellm(upstream: str, environment: Path) -> Iterator[Server]:
    """Give LiteLLM's proxy from an environment of its own: one worker, a master key, no database."""
    with tempfile.TemporaryDirectory(prefix="groundwork-bench-") as folder:
        config = Path(folder) / "config.yaml"
        config.write_text(LITELLM.format(upstream=upstream, key=PROVIDER_KEY, master=MASTER_KEY))
        port = free_port()
        command = [
            str(environment.absolute() / "bin" / "litellm"),
            "--config",
            str(config),
            "--host",
            "127.0.0.1",
        ]
        command += ["--port", str(port), "--num_workers", "1"]
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "LITELLM_LOG": "ERROR", "LITELLM_MODE": "PRODUCTION"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        server = Server("litellm", process, port, MASTER_KEY)
        try:
            wait_for(server, "/health/liveliness")
            yield server
        finally:
            server.stop()


def litellm_version(environment: Path) -> str:
    """Return the version installed there."""
    code = "import importlib.metadata as m; print(m.version('litellm'))"
    done = subprocess.run(
        [str(environment / "bin" / "python"), "-c", code], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(server: Server, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Make one request and return status and body."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.port}{path}",
        json.dumps(body).encode(),
        {"content-type": "application/json", "authorization": f"Bearer {server.key}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:  # noqa: S310
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        with contextlib.suppress(ValueError):
            return error.code, json.loads(error.read())
        return error.code, {}


def wait_for(server: Server, path: str) -> None:
    """Wait until a server answers at all; raises UnavailableError when it does not."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=2):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise UnavailableError(
        f"{server.name} did not start within {START_SECONDS:.0f} seconds", hint="start it by hand to see why"
    )


def _tree(pid: int) -> list[int]:
    """Return a process and its children, as far as they are alive."""
    found = [pid]
    for parent in found:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
    return found


def _cpu_s(pid: int) -> float:
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def _rss_mib(pid: int) -> float:
    with contextlib.suppress(OSError, IndexError):
        return int(Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0]) / 1024
    return 0.0
