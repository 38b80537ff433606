"""The book of labs: begin one, look at what was done, hint, set back. A run is a row, what happened to it its events.

What is drawn for a run follows from a secret of the workspace, the person, the lab and how many runs came before: nobody
can copy an answer from elsewhere, and no clock or chance decides. A run exists before its start is laid out, and counts as
begun with its event `started`; one whose preparation was cut off is laid out again when it is begun the next time.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from groundwork.core.clock import Clock
from groundwork.core.digest import canonical_json
from groundwork.core.errors import ConflictError, GroundworkError, InvalidInputError, NotFoundError
from groundwork.core.ids import new_id
from groundwork.core.principal import Principal
from groundwork.pathways.labs import LABS, Bench, Lab, runs
from groundwork.pathways.labs import task as texts
from groundwork.pathways.labs.folder import LabFolder
from groundwork.pathways.labs.showing import line_of, points_of, run_of
from groundwork.pathways.labs.types import LabLine, LabRun, LabVerification, PointState
from groundwork.pathways.labs.verifying import as_finding, look, minutes_between, scored, total
from groundwork.releases.key import SigningKey
from groundwork.storage.database import Database, exclusive
from groundwork.storage.leases import Leases

if TYPE_CHECKING:
    from groundwork.evidence.engine import Checker
    from groundwork.pathways.proofs.book import Proofs

KEY = "labs.key"
MAX_ANSWER = 1000
_WAIT_S = 60.0


class Labs:
    """The labs of a workspace. Safe to use from several threads and processes.

    Args:
        root: of the workspace; folders of labs are made below it.
        bench_factory: gives what a lab prepares its start with, by principal and lab.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        root: Path,
        checker: Checker,
        proofs: Proofs,
        bench_factory: Callable[[Principal, str], Bench],
    ) -> None:
        self._database = database
        self._clock = clock
        self._root = root
        self._checker = checker
        self._proofs = proofs
        self._bench = bench_factory

    # -- looking ----------------------------------------------------------------------------------------------
    def all(self, principal: Principal) -> list[LabLine]:
        """Return every lab by name, and how far the principal is with it."""
        with self._database.read() as connection:
            rows = runs.mine(connection, principal)
        return [line_of(texts.lab_id(name), rows) for name in LABS.names()]

    def show(self, principal: Principal, lab: str) -> LabRun:
        """Return the newest run of a lab with its task.

        Raises:
            NotFoundError: there is no such lab, or the principal has not begun it.
        """
        texts.find_lab(lab)
        with self._database.read() as connection:
            found = runs.mine(connection, principal, texts.lab_id(lab))
        if not found:
            raise NotFoundError(
                f"you have not begun the lab `{texts.lab_id(lab)}`",
                hint=f"begin it with `groundwork path lab {texts.lab_id(lab)}`",
            )
        return self._run(found[-1])

    def open_run(self, principal: Principal) -> LabRun | None:
        """Return the run that is worked on: the open one that was begun or taken up last, once its start is laid out."""
        with self._database.read() as connection:
            row = runs.current(connection, principal)
        known = row is not None and texts.module_of(row.lab) in LABS.names()
        return self._run(row) if known and self._laid_out(row) else None

    # -- working ----------------------------------------------------------------------------------------------
    def start(self, principal: Principal, lab: str, *, test_out: bool = False) -> LabRun:
        """Begin a lab, or take up the run of it that is open.

        A folder that is there from before is moved to `labs/<name>.<n>.bak`; in an open run nothing is written at all.

        Args:
            test_out: without hints, to show that the lesson is not needed.

        Raises:
            NotFoundError: there is no such lab. InvalidInputError: it has no test-out.
            ConflictError: somebody else of this workspace has it open, it is open the other way, its folder was deleted,
                or groundwork.toml has one of its names already.
            BusyError: it is being laid out by another process.
        """
        found, name = texts.find_lab(lab), texts.lab_id(lab)
        if test_out and not found.test_out:
            raise InvalidInputError(
                f"the lab `{name}` has no test-out", hint=f"do it: `groundwork path lab {name}`"
            )
        with Leases(self._database).acquire(f"lab:{name}", principal.name, wait=_WAIT_S):
            row = self._open_row(principal, name)
            if row is None:
                row = self._new_row(principal, found, name, test_out)
            elif bool(row.test_out) != test_out:
                way = "as a test-out" if row.test_out else "with its lesson"
                raise ConflictError(
                    f"the lab `{name}` is open {way}",
                    hint=f"go on with it, or set it back: `groundwork path reset {name}`",
                )
            if self._laid_out(row):
                return self._taken_up(principal, row)
            return self._lay_out(principal, found, row)

    def verify(self, principal: Principal, lab: str | None = None) -> LabVerification:
        """Check every point of a run over the records; on passing it, record a proof. Every look is an event.

        Args:
            lab: None: the one that is worked on. A passed lab may be looked at again; it stays passed.

        Raises:
            NotFoundError: no lab is open, or this one was not begun.
            ConflictError: its preparation was cut off, or its folder was deleted.
            InvalidInputError: answers.toml is not valid TOML.
        """
        row = self._chosen(principal, lab, passed_too=True)
        found = texts.find_lab(row.lab)
        folder = LabFolder(self._root, row.lab)
        if not self._laid_out(row):
            raise ConflictError(
                f"the start of the lab `{row.lab}` was not laid out to its end",
                hint=f"lay it out again with `groundwork path lab {row.lab}`; nothing of yours is lost",
            )
        if row.state == "open":
            self._refuse_lost_folder(row, folder)
            answers: Mapping[str, Any] = texts.read_sheet(folder.path / texts.SHEET)
        else:
            answers = self._answers_then(row)
        with closing(self._bench(principal, row.lab)) as bench:
            notes = tuple(bench.problems())
        points = points_of(found, row)
        states = look(self._checker, principal, points, row.draw, row.started_at, answers)
        return self._seen(principal, row, found, states, answers, notes)

    def hint(self, principal: Principal, lab: str | None = None) -> str:
        """Return the next hint, from the gentlest on; after the last one the last again.

        Raises:
            NotFoundError: no lab is open. ConflictError: it is taken as a test-out.
        """
        row = self._chosen(principal, lab)
        if row.test_out:
            raise ConflictError(
                "a test-out gives no hints",
                hint=f"set it back and take the lesson: `groundwork path reset {row.lab}`",
            )
        hints = texts.find_lab(row.lab).hints(row.draw)
        if not hints:
            raise NotFoundError(
                f"the lab `{row.lab}` has no hints", hint="read its task again: `groundwork path lab`"
            )
        with self._database.write() as connection:
            given = sum(event.kind == "hint" for event in runs.events(connection, row.id))
            n = min(given, len(hints) - 1)
            if given < len(hints):
                runs.log(connection, principal.tenant, row.id, "hint", self._now(), {"number": n + 1})
        return str(hints[n])

    def answer(self, principal: Principal, lab: str | None, key: str, value: str | float) -> LabRun:
        """Write an answer into `answers.toml`, everything else of which stays as it is, and return the run.

        Raises:
            NotFoundError: no lab is open, or it asks for no such answer; the hint names those it asks for.
            ConflictError: its folder was deleted. InvalidInputError: the sheet is not valid TOML.
        """
        row = self._chosen(principal, lab)
        found, folder = texts.find_lab(row.lab), LabFolder(self._root, row.lab)
        points = points_of(found, row)
        asked = [sheet.key for sheet, _ in texts.sheets(points)]
        if len(str(value)) > MAX_ANSWER:
            raise InvalidInputError(
                f"the answer has {len(str(value)):,} characters", hint=f"at most {MAX_ANSWER:,} are kept"
            )
        if key not in (*asked, texts.MINUTES):
            raise NotFoundError(
                f"the lab `{row.lab}` asks for no answer `{key[:60]}`",
                hint=f"it asks for {', '.join([*asked, texts.MINUTES])}",
            )
        self._refuse_lost_folder(row, folder)
        given: str | float = value
        if key == texts.MINUTES:
            given = _minutes(value)
        path = folder.path / texts.SHEET
        text = path.read_text(encoding="utf-8") if path.exists() else texts.new_sheet(found.title, points)
        folder.write(texts.SHEET, texts.with_answer(text, key, given))
        with self._database.write() as connection:
            runs.log(connection, principal.tenant, row.id, "answered", self._now(), {"key": key})
        return self._run(row)

    def reset(self, principal: Principal, lab: str | None = None) -> LabRun:
        """Begin a lab again with another draw; what lay in its folder is moved to `labs/<name>.<n>.bak`.

        Records that were made stay, and so does a proof of an earlier run. A test-out goes on as a lesson.

        Raises:
            NotFoundError: no lab is open, or this one was not begun. See also `start`.
        """
        row = self._chosen(principal, lab, passed_too=lab is not None)
        with closing(self._bench(principal, row.lab)) as bench:
            notes = tuple(p.replace(" is left out: ", " was left out: ", 1) for p in bench.problems())
        if row.state == "open":
            with self._database.write() as connection:
                runs.change(connection, row.id, state="reset", finished_at=self._now())
                runs.log(connection, principal.tenant, row.id, "reset", self._now())
        begun = self.start(principal, row.lab)
        return replace(begun, notes=(*begun.notes, *notes))

    # -- laying out -------------------------------------------------------------------------------------------
    def _open_row(self, principal: Principal, name: str) -> Any | None:
        with self._database.read() as connection:
            other = runs.opened_by_others(connection, principal, name)
            row = next((x for x in runs.mine(connection, principal, name) if x.state == "open"), None)
        if other is not None and row is None:
            who = f"`{other.owner}`" if other.tenant == principal.tenant else "somebody else"
            raise ConflictError(
                f"{who} has the lab `{name}` open in this workspace since {other.started_at[:16]}, "
                f"and its folder {LabFolder(self._root, name).shown} belongs to them",
                hint="take another lab, or a workspace of your own (`groundwork init DIR`)",
            )
        return row

    def _new_row(self, principal: Principal, found: Lab, name: str, test_out: bool) -> Any:
        with self._database.write() as connection:
            exclusive(connection, f"labs {principal.tenant} {principal.name}")
            before = len(runs.mine(connection, principal, name))
            draw = drawn(found, self._seed(principal, name, before))
            identifier, now = new_id("lab"), self._now()
            values = {
                "id": identifier,
                "tenant": principal.tenant,
                "owner": principal.name,
                "lab": name,
                "version": texts.version(name),
                "state": "open",
                "test_out": test_out,
                "draw": draw,
                "points": 0,
                "total": total(found.points(draw)),
                "minutes": None,
                "started_at": now,
                "finished_at": None,
            }
            runs.add(connection, values)
            return next(x for x in runs.mine(connection, principal, name) if x.id == identifier)

    def _lay_out(self, principal: Principal, found: Lab, row: Any) -> LabRun:
        folder = LabFolder(self._root, row.lab)
        moved = folder.move_aside()
        try:
            with closing(self._bench(principal, row.lab)) as bench:
                folder.write(texts.TASK, texts.filled(row.lab, row.draw))
                folder.write(texts.SHEET, texts.new_sheet(found.title, found.points(row.draw)))
                found.prepare(bench, row.draw)
        except GroundworkError as error:
            # It cannot be laid out here: no run is left open, and the folder holds only what was written just now.
            folder.remove()
            with self._database.write() as connection:
                runs.change(connection, row.id, state="reset", finished_at=self._now())
                runs.log(connection, principal.tenant, row.id, "reset", self._now(), {"why": error.message})
            raise
        now = self._now()
        with self._database.write() as connection:
            _leave(connection, principal, row.id, now)
            runs.change(connection, row.id, started_at=now)
            runs.log(
                connection, principal.tenant, row.id, "started", now, {"moved": moved} if moved else None
            )
        notes = (f"what lay in {folder.shown} before is in {moved} now",) if moved else ()
        return self._run(self._row(principal, row), notes)

    def _taken_up(self, principal: Principal, row: Any) -> LabRun:
        self._refuse_lost_folder(row, LabFolder(self._root, row.lab))
        now = self._now()
        with self._database.write() as connection:
            _leave(connection, principal, row.id, now)
            runs.log(connection, principal.tenant, row.id, "resumed", now)
        notes = [f"you began this lab on {row.started_at[:16]}; it goes on where you left it"]
        if row.version != texts.version(row.lab):
            notes.append("the lab was changed since you began it; `groundwork path reset` takes the new one")
        return self._run(row, tuple(notes))

    def _laid_out(self, row: Any) -> bool:
        with self._database.read() as connection:
            return any(event.kind == "started" for event in runs.events(connection, row.id))

    def _refuse_lost_folder(self, row: Any, folder: LabFolder) -> None:
        if not folder.there():
            raise ConflictError(
                f"the folder {folder.shown} of this lab is gone",
                hint=f"put it back, or begin again with `groundwork path reset {row.lab}`; your records are still there",
            )

    def _seed(self, principal: Principal, name: str, before: int) -> str:
        """Return what the draw of a run follows from; without the key of the workspace nobody can tell it."""
        key = SigningKey(self._root / ".groundwork" / KEY, {}).private().private_bytes_raw()
        said = canonical_json([principal.tenant, principal.name, name, before])
        return hmac.new(key, said, "sha256").hexdigest()

    # -- verifying --------------------------------------------------------------------------------------------
    def _seen(
        self,
        principal: Principal,
        row: Any,
        found: Lab,
        states: list[PointState],
        answers: Mapping[str, Any],
        notes: tuple[str, ...],
    ) -> LabVerification:
        points, of, now = scored(states), total(found.points(row.draw)), self._now()
        minutes = texts.said_minutes(answers)
        minutes = self._measured(principal, row, now) if minutes is None else minutes
        proof = ""
        if points == of:
            # Before the run is marked: after a crash in between the next look finds this same proof.
            finding = as_finding(row.lab, row.version, row.draw, states)
            proof = self._proofs.record(principal, "lab", row.lab, finding, found.title).id
        with self._database.write() as connection:
            body = {"points": points, "total": of, "met": [s.id for s in states if s.met]}
            runs.log(connection, principal.tenant, row.id, "verified", now, body)
            if row.state == "open":
                changes: dict[str, Any] = {"points": points, "total": of, "minutes": minutes}
                if points == of:
                    changes |= {"state": "passed", "finished_at": now}
                    asked = {s.key for s, _ in texts.sheets(found.points(row.draw))}
                    given = {key: value for key, value in answers.items() if key in asked}
                    body = {"proof": proof, "answers": given}
                    runs.log(connection, principal.tenant, row.id, "passed", now, body)
                runs.change(connection, row.id, **changes)
            elif row.minutes is not None:
                minutes = float(row.minutes)
        return LabVerification(row.id, row.lab, points, of, tuple(states), minutes, now, proof, notes)

    def _answers_then(self, row: Any) -> Mapping[str, Any]:
        """Return the answers with which a run was passed; its folder may have gone to another run since."""
        with self._database.read() as connection:
            passed = [event.body for event in runs.events(connection, row.id) if event.kind == "passed"]
        return dict(passed[-1].get("answers", {})) if passed else {}

    def _measured(self, principal: Principal, row: Any, now: str) -> float:
        with self._database.read() as connection:
            signs = [event.at for event in runs.events(connection, row.id)]
            signs += runs.signs_of_work(connection, principal, row.started_at, now)
        return minutes_between([*signs, now])

    # -- rows -------------------------------------------------------------------------------------------------
    def _chosen(self, principal: Principal, lab: str | None, *, passed_too: bool = False) -> Any:
        """Return the open run of a lab (or of the one that is worked on), else its newest passed one."""
        name = "" if lab is None else texts.lab_id(lab)
        if lab is not None:
            texts.find_lab(lab)
        with self._database.read() as connection:
            row = runs.current(connection, principal) if lab is None else None
            rows = runs.mine(connection, principal, name) if lab is not None else []
        row = row or next((x for x in reversed(rows) if x.state == "open"), None)
        if row is None and passed_too:
            row = next((x for x in reversed(rows) if x.state == "passed"), None)
        if row is None:
            which = f"the lab `{name}` is not open" if name else "no lab is open"
            raise NotFoundError(which, hint=f"begin one with `groundwork path lab {name or 'NAME'}`")
        return row

    def _row(self, principal: Principal, row: Any) -> Any:
        with self._database.read() as connection:
            return next(x for x in runs.mine(connection, principal, row.lab) if x.id == row.id)

    def _run(self, row: Any, notes: tuple[str, ...] = ()) -> LabRun:
        with self._database.read() as connection:
            events = runs.events(connection, row.id)
        return run_of(self._root, row, events, notes)

    def _now(self) -> str:
        return self._clock.now().isoformat()


def drawn(lab: Lab, seed: str) -> dict[str, Any]:
    """Return what a lab draws for a seed, as JSON reads it back."""
    import json

    random = Random(seed)  # noqa: S311 - the secret is in the seed
    value: dict[str, Any] = json.loads(canonical_json(lab.draw(random)))
    return value


def _leave(connection: Connection, principal: Principal, run: str, now: str) -> None:
    """Say of the run that was worked on until now that it was left for this one, once."""
    before = runs.current(connection, principal, beside=run)
    last = runs.events(connection, before.id)[-1:] if before is not None else []
    if before is not None and last and last[0].kind != "left":
        runs.log(connection, principal.tenant, before.id, "left", now)


def _minutes(value: str | float) -> float:
    try:
        minutes = float(value)
    except ValueError:
        minutes = 0.0
    if not 0 < minutes < 100_000:
        raise InvalidInputError(
            f"`{value}` is no number of minutes", hint="such as `groundwork path answer minutes 45`"
        )
    return int(minutes) if minutes == int(minutes) else minutes
