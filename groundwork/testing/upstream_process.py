"""A scripted upstream in a process of its own, so that what it computes does not disturb what is measured."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from dataclasses import asdict
from types import TracebackType
from typing import Any

from groundwork.testing.upstream import Seen
from groundwork.testing.upstream_script import Script


class UpstreamProcess:
    """Runs `python -m groundwork.testing.upstream`; a context manager that ends it.

    Args:
        scripts: by name, as for `Upstream`; `play` changes them later.
        keep: how many requests are remembered; 0 for benchmarks.
    """

    def __init__(self, scripts: Mapping[str, Script] | None = None, *, keep: int = 100_000) -> None:
        self.scripts = dict(scripts or {"": Script()})
        self.keep = keep
        self.url = self.tls_url = self.refused_url = ""
        self.pid = 0
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> UpstreamProcess:
        command = [sys.executable, "-m", "groundwork.testing.upstream", "--keep", str(self.keep), "--tls"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.pid = self._process.pid
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"
        told = self.play(self.scripts)
        self.tls_url, self.refused_url = told["tls_url"], told["refused_url"]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            assert self._process.stdout is not None
            self._process.stdout.close()

    def play(self, scripts: Mapping[str, Script]) -> dict[str, Any]:
        """Add or replace scripts and forget what was seen; returns the addresses."""
        return self._ask("/lab/scripts", {name: asdict(script) for name, script in scripts.items()})

    def seen(self) -> list[Seen]:
        """Return every request since scripts were last changed, in order."""
        rows = self._ask("/lab/seen")["seen"]
        return [Seen(**{**row, "body": row["body"].encode()}) for row in rows]

    def told(self) -> dict[str, Any]:
        """Return `connections` ever made, those `open` now, and `inside`: redirects that were followed."""
        return {k: v for k, v in self._ask("/lab/seen").items() if k != "seen"}

    def _ask(self, path: str, body: Any = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(self.url + path, data=data, timeout=20) as response:  # noqa: S310
            answer: dict[str, Any] = json.load(response)
            return answer
