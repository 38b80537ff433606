"""A learner in a workspace of their own, and the contract that every lab keeps.

A solution is a module of `tests/pathways/solutions` named as the lab's, with one function:

    def solve(learner: Learner) -> None:
        learner("ask", "How high is the tower?", "--app", "lab-tower")    # a command line; fails unless it exits with 0
        learner("gate", "lab-tower", code=1)                              # … or with the code that is expected
        learner.write("documents/new.md", "…")                            # a file of the lab's folder
        learner.answer("height", learner.draw["height"])                  # a line of answers.toml

It does what the task asks for and nothing beyond: each record that it leaves must be needed for a point.
"""

from __future__ import annotations

import atexit
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, cached_property
from importlib import import_module
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from sqlalchemy import Connection, delete, select
from typer.main import get_command

from groundwork.app.workspace import Workspace
from groundwork.cli import root as cli_root
from groundwork.cli import table
from groundwork.core.principal import LOCAL, Principal
from groundwork.evidence.asking import kind_of
from groundwork.evidence.engine import Checker
from groundwork.evidence.types import Found
from groundwork.pathways.labs import Lab, Point
from groundwork.pathways.labs import task as texts
from groundwork.pathways.labs.types import LabRun, LabVerification, PointState
from groundwork.pathways.labs.verifying import look
from groundwork.storage.database import Database
from tests.cli.conftest import Done, call

PROJECT = Path(__file__).resolve().parents[3]
SPEC = '[indexes.default]\nbackend = "memory"\nembedder = "none"\n\n[apps.default]\nstrategy = "lexical"\n'


@cache
def empty_workspace() -> Path:
    """Return a workspace that was just made, to be copied: its tables are made once in a process."""
    root = Path(mkdtemp(prefix="gw-labs-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    (root / "groundwork.toml").write_text(SPEC)
    Workspace.init(root).close()
    return root


class Learner:
    """Somebody who does one lab: on the command line, in the lab's folder, on the sheet."""

    def __init__(self, root: Path, lab: str, principal: Principal = LOCAL) -> None:
        self.root = root
        self.lab = texts.lab_id(lab)
        self.principal = principal
        if not (root / "groundwork.toml").exists():
            shutil.copytree(empty_workspace(), root, dirs_exist_ok=True)
        self.run: LabRun | None = None

    @cached_property
    def workspace(self) -> Workspace:
        """The workspace, opened once; it sees what command lines do meanwhile."""
        return Workspace.open(self.root)

    @property
    def labs(self) -> Any:
        return self.workspace.pathways.labs

    @property
    def draw(self) -> dict[str, Any]:
        """What was drawn for the run that was begun last."""
        assert self.run is not None
        assert self.run.draw is not None
        return dict(self.run.draw)

    @property
    def folder(self) -> Path:
        return self.root / "labs" / texts.module_of(self.lab)

    def start(self, **options: Any) -> LabRun:
        self.run = self.labs.start(self.principal, self.lab, **options)
        return self.run

    def verify(self) -> LabVerification:
        found: LabVerification = self.labs.verify(self.principal, self.lab)
        return found

    def __call__(self, *arguments: object, code: int = 0) -> Done:
        """Run a command line in this process; it has to exit with `code`."""
        done = call(*arguments, "--workspace", self.root)
        assert done.code == code, f"groundwork {shlex.join(map(str, arguments))}\n{done.out}\n{done.err}"
        return done

    def json(self, *arguments: object, code: int = 0) -> Any:
        """Run a command line with `--json` and return its document."""
        return self(*arguments, "--json", code=code).json

    def process(self, *arguments: object, **environment: str) -> subprocess.Popen[str]:
        """Start a command line in a process of its own, for what has to be killed."""
        command = [
            sys.executable,
            "-m",
            "groundwork.cli",
            *map(str, arguments),
            "--workspace",
            str(self.root),
        ]
        return subprocess.Popen(
            command,
            cwd=PROJECT,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def write(self, name: str, content: str) -> Path:
        """Write a file of the lab's folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return path

    def read(self, name: str) -> str:
        return (self.folder / name).read_text()

    def answer(self, key: str, value: str | float) -> None:
        """Write an answer on the sheet."""
        self.labs.answer(self.principal, self.lab, key, value)

    def close(self) -> None:
        if "workspace" in self.__dict__:
            self.workspace.close()


# -- the contract ----------------------------------------------------------------------------------------------------
def solution(lab: str) -> Any:
    """Return the function that does a lab as it should be done."""
    return import_module(f"tests.pathways.solutions.{texts.module_of(lab)}").solve


def drawn_for(lab: Lab, seed: str) -> dict[str, Any]:
    from groundwork.pathways.labs.book import drawn

    return drawn(lab, seed)


def states_of(
    learner: Learner, points: Sequence[Point], draw: Mapping[str, Any], checker: Any
) -> list[PointState]:
    """Look at points with another draw or another checker; the sheet is the learner's."""
    answers = texts.read_sheet(learner.folder / texts.SHEET)
    assert learner.run is not None
    return look(checker, learner.principal, points, draw, learner.run.started_at, answers)


def check_untouched(learner: Learner) -> None:
    """The start, as it is laid out, scores nothing, and every point says what it lacks."""
    seen = learner.verify()
    met = [s.id for s in seen.states if s.met]
    assert seen.points == 0, f"the untouched start of {learner.lab} has the points {met}"
    assert all(s.why for s in seen.states), [s.id for s in seen.states if not s.why]
    assert not learner.workspace.resolved.left_out


def check_solved(learner: Learner) -> LabVerification:
    """The reference solution has every point and leaves a proof."""
    seen = learner.verify()
    lacking = [f"{s.id}: {s.why} [{s.command}]" for s in seen.states if not s.met]
    assert seen.passed, "\n".join(lacking)
    assert seen.proof
    return seen


def check_copied(learner: Learner, lab: Lab) -> None:
    """What solves this draw does not solve another one."""
    for seed in ("another", "a third", "a fourth"):
        draw = drawn_for(lab, seed)
        points = lab.points(draw)
        states = states_of(learner, points, draw, learner.workspace.pathways.checker)
        assert not all(s.met for s in states), (
            f"a solution of {learner.lab} is right for the draw of `{seed}` too"
        )


def check_records(learner: Learner, lab: Lab, seen: LabVerification) -> int:
    """Each record that a point rests on is needed: without it the point is gone. Return how many were tried."""
    points = {p.id: p for p in lab.points(learner.draw)}
    tried = 0
    with undone(learner.workspace.rooms.database) as connection:
        checker = Checker(_Within(connection), learner.workspace.rooms.clock)  # type: ignore[arg-type]
        for state in seen.states:
            point = points[state.id]
            assert state.found or point.check is None, f"the point {point.id} rests on no record"
            for record in state.found:
                with connection.begin_nested() as savepoint:
                    remove(connection, learner.principal, record)
                    after = states_of(learner, [point], learner.draw, checker)[0]
                    savepoint.rollback()
                where = f"without {record.kind} {record.id} the point `{point.id}` of {learner.lab}"
                assert not after.met, (
                    f"{where} is still met, resting on {[(f.kind, f.id) for f in after.found]}"
                )
                tried += 1
    return tried


def remove(connection: Connection, principal: Principal, record: Found) -> None:
    """Take the row of a record away."""
    kind = kind_of(record.kind)
    keys = list(kind.table.primary_key)
    query = (
        select(*keys).select_from(kind.origin()).where(kind.visible(principal, True), kind.id == record.id)
    )
    rows = connection.execute(query).all()
    assert len(rows) == 1, f"{record.kind} {record.id} stands in {len(rows)} rows"
    gone = connection.execute(delete(kind.table).where(*(k == v for k, v in zip(keys, rows[0], strict=True))))
    assert gone.rowcount == 1


class _Undone(Exception):
    """Raised to leave a transaction without a trace."""


@contextmanager
def undone(database: Database) -> Iterator[Connection]:
    """Give a connection whose changes are undone at exit."""
    try:
        with database.write() as connection:
            yield connection
            raise _Undone
    except _Undone:
        pass


class _Within:
    """A database that is read through a transaction that is under way."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        yield self._connection


# -- texts -----------------------------------------------------------------------------------------------------------
_QUOTED = re.compile(r"`groundwork ([^`]+)`")
_PROMPTED = re.compile(r"^\s*\$ groundwork (.+)$", re.MULTILINE)


def commands_in(text: str) -> list[tuple[list[str], bool]]:
    """Return the command lines that a text quotes, in words, and whether each is whole.

    Behind a `$` in a block stands one to be typed; in backticks it may be the name of a command alone.
    """
    lines = [(line, False) for line in _QUOTED.findall(text)] + [
        (line, True) for line in _PROMPTED.findall(text)
    ]
    found = []
    for line, whole in lines:
        words = shlex.split(line.replace("…", "ETC"), comments=True)
        cut = next((n for n, word in enumerate(words) if word in ("|", ">", "<", "&", "&&", ";")), len(words))
        if words[:cut]:
            found.append((words[:cut], whole))
    return found


def commands_of(predicate: Any) -> Iterator[str]:
    """Yield what a predicate tells people to do."""
    if isinstance(predicate, Mapping):
        if isinstance(predicate.get("do"), str):
            yield predicate["do"]
        for value in predicate.values():
            yield from commands_of(value)
    elif isinstance(predicate, (list, tuple)):
        for value in predicate:
            yield from commands_of(value)


def fault_of(words: Sequence[str], whole: bool = True) -> str:
    """Say what is wrong with a quoted command line: no such command, option or argument; empty when it is well."""
    group = get_command(cli_root.app)
    context = group.make_context("groundwork", [], resilient_parsing=True)
    if words[0] not in table.ENTRIES:
        return f"there is no command `{words[0]}`"
    command = group.get_command(context, words[0])  # type: ignore[attr-defined]
    rest = list(words[1:])
    below = getattr(command, "commands", None)
    if below:
        if not rest or rest[0] not in below:
            return f"there is no command `{' '.join(words[:2])}`"
        command = below[rest.pop(0)]
    try:
        command.make_context(words[0], rest)
    except Exception as error:
        if not hasattr(error, "format_message"):  # whatever version of click typer brings
            raise
        name = type(error).__name__
        # A word that stands for a number or a file is no fault; nor is the name of a command in a sentence.
        if name == "BadParameter" or (name == "MissingParameter" and not whole):
            return ""
        return f"`groundwork {' '.join(words)}`: {error.format_message()}"
    return ""
