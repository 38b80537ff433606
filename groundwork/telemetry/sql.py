"""Questions in SQL over the spans, traces, calls, answers and feedback of one tenant; see `sql_views` and `sql_worker`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from sqlalchemy import Column, select

from groundwork.core.errors import InvalidInputError, TooLargeError
from groundwork.core.principal import Principal
from groundwork.storage.database import Database
from groundwork.storage.tables import answers, calls, feedback
from groundwork.telemetry.archive_schema import to_table
from groundwork.telemetry.span_tables import SpanTables, hour_of
from groundwork.telemetry.sql_process import Died, Late, SqlProcess
from groundwork.telemetry.sql_views import COLUMNS, DATASET, NEEDS

LIMIT = 1000
MOST_LIMIT = 100_000
TIMEOUT_S = 10.0
MOST_TIMEOUT_S = 120.0
MOST_CHARS = 20_000
MOST_LIVE = 200_000
"""Spans that are not archived yet which a question looks at, the newest; archiving leaves those of the last hour or two."""
MOST_RECORDS = 200_000
"""Calls, answers or feedback that a question looks at, the newest."""
MEMORY_MIB = 1024
THREADS = 2
_UNKNOWN = re.compile(r'(?:Referenced column|column named|does not have a column named) "([^"]+)"')
_NO_TABLE = re.compile(r"Table with name (\S+) does not exist")


@dataclass(frozen=True, slots=True)
class SqlAnswer:
    """The answer to a question.

    Attributes:
        columns: `(name, type)` in DuckDB's words.
        rows: values as JSON has them; times are ISO 8601 in UTC.
        more: there were more rows than asked for, or than fit into 16 MiB.
        seconds: what it took to answer, without collecting the rows.
        notes: what was left out, in sentences.
    """

    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[Any, ...], ...]
    more: bool
    seconds: float
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it as a JSON-compatible object."""
        found = asdict(self)
        return {**found, "columns": [{"name": name, "type": kind} for name, kind in self.columns]}


@dataclass(frozen=True, slots=True)
class _Live:
    """What of the spans is in no file, as an Arrow stream, with the files; `key` says of which state of the store."""

    key: tuple[Any, ...]
    stream: bytes
    files: dict[str, Any]
    count: int


class Sql:
    """Answers SQL. Safe to use from several threads; one question is answered at a time.

    Args:
        tables: gives the spans. records: the database of the workspace, which has calls, answers and feedback.
    """

    def __init__(self, tables: SpanTables, records: Database) -> None:
        self.tables = tables
        self._records = records
        self._process = SqlProcess()
        self._kept: _Live | None = None

    def ask(
        self,
        principal: Principal,
        statement: str,
        limit: int = LIMIT,
        timeout_s: float = TIMEOUT_S,
        *,
        tries: int = 3,
    ) -> SqlAnswer:
        """Return what one SELECT statement answers over the principal's tenant; for others than owners over their own rows.

        Args:
            limit: rows, 1 to 100,000. timeout_s: 0.1 to 120.
            tries: how often it is asked while files of the archive change beneath it.

        Raises:
            InvalidInputError: it is no single SELECT, DuckDB does not understand it, it wants what it may not have, or it
                took too long; the hint says what to do.
            TooLargeError: it needs more memory than it is given.
            BusyError: other questions are being answered.
        """
        _check(statement, limit, timeout_s)
        wanted = _named(statement)
        notes: list[str] = []
        tables: dict[str, bytes] = {}
        question: dict[str, Any] = {
            "statement": statement, "limit": limit, "timeout_s": timeout_s, "views": wanted, "threads": THREADS,
            "memory_mib": MEMORY_MIB, "principal": None if principal.owner else principal.name,
        }  # fmt: skip
        if DATASET in wanted:
            live = self._live(principal)
            tables[DATASET], question["files"] = live.stream, live.files
            if live.count >= MOST_LIVE:
                notes.append(
                    f"Of spans that are not archived yet only the newest {MOST_LIVE:,} were looked at."
                )
        for name, make in _RECORDS.items():
            if name in wanted:
                table = make(self._records, principal)
                tables[name] = _stream(table)
                if table.num_rows >= MOST_RECORDS:
                    notes.append(f"Only the newest {MOST_RECORDS:,} {name} were looked at.")
        return self._answer(
            question, tables, statement, timeout_s, notes,
            (lambda: self.ask(principal, statement, limit, timeout_s, tries=tries - 1)) if tries > 1 else None,
        )  # fmt: skip

    def close(self) -> None:
        """End the process that answers, if there is one; the object may be used again."""
        self._process.close()

    def _answer(
        self,
        question: Mapping[str, Any],
        tables: Mapping[str, bytes],
        statement: str,
        timeout_s: float,
        notes: Sequence[str],
        again: Callable[[], SqlAnswer] | None,
    ) -> SqlAnswer:
        try:
            found = self._process.ask(question, tables, timeout_s, timeout_s)
            if found.get("error", {}).get("code") == "gone" and again is not None:
                return again()  # a file was written anew while it was asked
        except Late:
            raise _too_slow(timeout_s) from None
        except Died:
            raise _too_much() from None
        if "error" in found:
            raise _explained(found["error"], statement, timeout_s)
        columns = tuple((c["name"], c["type"]) for c in found["columns"])
        rows = tuple(tuple(row) for row in found["rows"])
        return SqlAnswer(columns, rows, found["more"], found["seconds"], tuple(notes))

    def _live(self, principal: Principal) -> _Live:
        """Return the spans that are in no file, with the files that there are."""
        state = self.tables.state(principal.tenant)
        key = (
            principal.tenant,
            "" if principal.owner else principal.name,
            state.newest,
            state.live,
            state.waiting,
            state.files,
        )
        if self._kept is None or self._kept.key != key:
            found = list(islice(self.tables.unarchived(principal, state), MOST_LIVE))
            # A later state of one of our own spans takes the place of the one in a file.
            again = [s.span_id for _, s in found if s.source == "groundwork" and hour_of(s) in state.through]
            place = self.tables.archive.place
            files = {
                "names": [f.name for f in state.files],
                "root": place.root,
                "url": place.url,
                "leave_out": again,
            }
            self._kept = _Live(key, _stream(to_table(found)), files, len(found))
        return self._kept


def _check(statement: str, limit: int, timeout_s: float) -> None:
    if not statement.strip():
        raise InvalidInputError("there is no statement", hint="such as `SELECT count(*) FROM spans`")
    if len(statement) > MOST_CHARS:
        raise TooLargeError(f"a statement has at most {MOST_CHARS:,} characters, not {len(statement):,}")
    if not 1 <= limit <= MOST_LIMIT:
        raise InvalidInputError(f"a limit is 1 to {MOST_LIMIT:,}, not {limit}")
    if not 0.1 <= timeout_s <= MOST_TIMEOUT_S:
        raise InvalidInputError(f"a statement has 0.1 to {MOST_TIMEOUT_S:.0f} seconds, not {timeout_s:g}")


def _named(statement: str) -> list[str]:
    """Return the views that a statement may need: those whose names stand anywhere in it, with those they are made of."""
    lower = statement.lower()
    wanted = {need for name, needs in NEEDS.items() if name in lower for need in needs}
    return [name for name in COLUMNS if name in wanted]


def _stream(table: Any) -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


# -- records -----------------------------------------------------------------------------------------------------


def _calls(database: Database, principal: Principal) -> Any:
    names = tuple(name for name in COLUMNS["calls"] if name != "cost_usd")
    return _records_of(
        database, principal, calls, (*names, "cost_nanousd"), COLUMNS["calls"],
        {"cost_usd": lambda row: row["cost_nanousd"] / 1e9},
    )  # fmt: skip


def _answers(database: Database, principal: Principal) -> Any:
    return _records_of(database, principal, answers, COLUMNS["answers"], COLUMNS["answers"], {})


def _feedback(database: Database, principal: Principal) -> Any:
    return _records_of(database, principal, feedback, COLUMNS["feedback"], COLUMNS["feedback"], {})


def _records_of(
    database: Database,
    principal: Principal,
    table: Any,
    read: Iterable[str],
    columns: Sequence[str],
    made: Mapping[str, Callable[[Mapping[str, Any]], Any]],
) -> Any:
    import pyarrow as pa

    where = [table.c.tenant == principal.tenant]
    if not principal.owner:
        where.append(table.c.principal == principal.name)
    newest = (
        select(*(table.c[name] for name in read))
        .where(*where)
        .order_by(table.c.id.desc())
        .limit(MOST_RECORDS)
    )
    with database.read() as connection:
        rows = connection.execute(newest).mappings().all()
    arrays = {}
    for name in columns:
        values = [made[name](dict(row)) if name in made else row[name] for row in rows]
        arrays[name] = _array(values, None if name in made else table.c[name])
    return pa.table(arrays)


def _array(values: list[Any], column: Column[Any] | None) -> Any:
    import pyarrow as pa
    from sqlalchemy import Boolean, Double

    from groundwork.storage.columns import storable

    if column is None or isinstance(column.type, Double):
        return pa.array(values, pa.float64())
    if column.name.endswith("_at"):
        moments = pa.array([None if v is None else v[:26] for v in values], pa.string())
        return pa.array([_moment(v) for v in moments.to_pylist()], pa.timestamp("us"))
    if isinstance(column.type, Boolean):
        return pa.array(values, pa.bool_())
    if column.type.python_type is int:
        return pa.array(values, pa.int64())
    return pa.array([None if v is None else storable(str(v)) for v in values], pa.string())


def _moment(text: str | None) -> Any:
    from datetime import UTC, datetime

    if not text:
        return None
    at = datetime.fromisoformat(text)
    return at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at


_RECORDS: Mapping[str, Callable[[Database, Principal], Any]] = {
    "calls": _calls, "answers": _answers, "feedback": _feedback,
}  # fmt: skip


# -- errors ------------------------------------------------------------------------------------------------------


def _explained(error: Mapping[str, str], statement: str, timeout_s: float) -> InvalidInputError:
    code, said = error["code"], error["message"]
    if code == "too_slow":
        return _too_slow(timeout_s)
    if code == "too_much":
        return _too_much()
    if code == "gone":
        return InvalidInputError("files of the archive changed while this was asked", hint="ask again")
    if code in ("no_select", "several"):
        return InvalidInputError(
            said, hint="ask with one SELECT over spans, traces, calls, answers and feedback"
        )
    if code == "forbidden":
        return InvalidInputError(
            "a statement reaches no files, no network and no extensions",
            hint="it sees the views spans, traces, calls, answers and feedback",
        )
    message = re.sub(r"^(?:\w+ )?Error: ", "", said.partition("\n")[0]).strip()
    place = "\n".join(said.split("\n")[1:]).strip()
    return InvalidInputError(
        f"the statement is not understood: {message}", hint=_hint(said, statement), place=place
    )


def _hint(said: str, statement: str) -> str:
    unknown = _UNKNOWN.search(said)
    if unknown:
        known = sorted({c for name in _named(statement) for c in COLUMNS[name]})
        near = difflib.get_close_matches(unknown[1].lower(), known, 3, 0.5)
        if near:
            return f"did you mean {' or '.join(f'`{name}`' for name in near)}?"
        return f"columns: {', '.join(known)}"
    table = _NO_TABLE.search(said)
    if table:
        near = difflib.get_close_matches(table[1].lower(), list(COLUMNS), 1, 0.5)
        return f"did you mean `{near[0]}`?" if near else f"there are {', '.join(COLUMNS)}"
    return "it is the SQL of DuckDB: https://duckdb.org/docs/stable/sql/introduction"


def _too_slow(timeout_s: float) -> InvalidInputError:
    return InvalidInputError(
        f"the statement took longer than {timeout_s:g} seconds and was stopped",
        hint="narrow it by time (`WHERE started_at > …`), or give it more time",
    )


def _too_much() -> TooLargeError:
    return TooLargeError(
        f"the statement needs more than {MEMORY_MIB} MiB of memory and was stopped",
        hint="narrow it by time, ask for fewer columns, or add up with GROUP BY before sorting",
    )
