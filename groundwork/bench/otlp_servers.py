"""The servers that a bench of OTLP starts: Groundwork itself, and a rival out of an environment of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit

from groundwork.app.workspace import Workspace
from groundwork.bench.gateway_servers import Server
from groundwork.core.errors import UnavailableError
from groundwork.core.principal import LOCAL

START_SECONDS = 120.0
SPEC = '[indexes.default]\nbackend = "memory"\nembedder = "none"\n'


@contextlib.contextmanager
def groundwork(folder: Path) -> Iterator[Server]:
    """Serve a new workspace in `folder`."""
    (folder / "groundwork.toml").write_text(SPEC, encoding="utf-8")
    with Workspace.init(folder) as workspace:
        key, _ = workspace.keys.create(LOCAL, "bench", access=None, role="admin", calls=False)
    code = "from groundwork.cli import main; main()"
    command = [sys.executable, "-c", code, "serve", "--port", "0", "--json", "--workspace", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        said = ""
        while said.count("{") == 0 or said.count("{") != said.count("}"):
            line = process.stdout.readline()
            if not line:
                raise UnavailableError("the server ended before it answered", hint="start it by hand")
            said += line
        port = urlsplit(json.loads(said)["url"]).port or 0
        server = Server("Groundwork", process, port, key)
        _wait(server, "/readyz")
        yield server
    finally:
        _stop(process)


@contextlib.contextmanager
def mlflow(environment: Path, folder: Path, port: int) -> Iterator[Server]:
    """Serve MLflow over SQLite."""
    command = [
        str(environment / "bin" / "mlflow"), "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "2",
        "--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}", "--artifacts-destination", str(folder / "artifacts"),
    ]  # fmt: skip
    yield from _served(command, f"MLflow {_version(environment, 'mlflow')}", folder, port, "/health", {})


@contextlib.contextmanager
def phoenix(environment: Path, folder: Path, port: int) -> Iterator[Server]:
    """Serve Phoenix over SQLite."""
    told = {
        "PHOENIX_WORKING_DIR": str(folder),
        "PHOENIX_PORT": str(port),
        "PHOENIX_GRPC_PORT": "0",
        "PHOENIX_HOST": "127.0.0.1",
    }
    command = [str(environment / "bin" / "phoenix"), "serve"]
    yield from _served(
        command, f"Phoenix {_version(environment, 'arize-phoenix')}", folder, port, "/healthz", told
    )


def _served(
    command: list[str], name: str, folder: Path, port: int, path: str, told: dict[str, str]
) -> Iterator[Server]:
    environment = {**os.environ, **told}
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, env=environment, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        server = Server(name, process, port, "")
        _wait(server, path)
        yield server
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        _stop(process)


def _version(environment: Path, name: str) -> str:
    code = f"from importlib.metadata import version; print(version({name!r}))"
    found = subprocess.run(
        [str(environment / "bin" / "python"), "-c", code], capture_output=True, text=True, check=True
    )
    return found.stdout.strip()


def _wait(server: Server, path: str) -> None:
    until = time.perf_counter() + START_SECONDS
    while time.perf_counter() < until:
        if server.process.poll() is not None:
            raise UnavailableError(f"{server.name} ended before it answered", hint="start it by hand")
        address = f"http://127.0.0.1:{server.port}{path}"
        with contextlib.suppress(URLError, OSError), urllib.request.urlopen(address, timeout=5) as answer:
            if answer.status == 200:
                return
        time.sleep(0.1)
    raise UnavailableError(
        f"{server.name} did not answer within {START_SECONDS:.0f} s", hint="start it by hand"
    )


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
