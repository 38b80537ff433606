"""Run the console blocks of Markdown pages, and compare what they show with what comes out."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.cli.conftest import call

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_VARYING = (
    (re.compile(r"ans_[0-9a-v]{26}"), "ans_…"),
    (re.compile(r"\b[0-9a-f]{7}\b"), "digest"),
    (re.compile(r"\b\d+\.\d s\b"), "seconds"),
    (re.compile(r"workspace in \S+:"), "workspace in DIR:"),
    (re.compile(r"(confidence|threshold) [01]\.\d\d"), r"\1 0.00"),
)


@dataclass(frozen=True)
class Step:
    """One command of a console block, and the output shown below it."""

    command: str
    shown: str


def blocks(page: Path, language: str) -> list[str]:
    """Return the fenced blocks of a language, in order."""
    return [body for name, body in _BLOCK.findall(page.read_text("utf-8")) if name == language]


def steps(page: Path) -> list[Step]:
    """Return the commands of every console block, in order."""
    found: list[Step] = []
    for block in blocks(page, "console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            found.append(Step(command, shown))
    return found


def perform(command: str) -> tuple[int, str, str]:
    """Run one command in the current directory, Groundwork's own in this process; return code, stdout and stderr."""
    words = shlex.split(command)
    if words[0] == "cd":
        os.chdir(words[1])
        return 0, "", ""
    if words[0] == "groundwork":
        done = call(*words[1:])
        return done.code, done.out, done.err
    ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    return ran.returncode, ran.stdout, ran.stderr


def settled(text: str) -> str:
    """Return output with what differs from run to run replaced."""
    for pattern, instead in _VARYING:
        text = pattern.sub(instead, text)
    return text.strip()
