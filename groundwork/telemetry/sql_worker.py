"""The process that answers questions in SQL: `python -m groundwork.telemetry.sql_worker`, one question after another.

A statement is written by somebody else, and DuckDB counts only a part of the memory it uses. So it runs in a process of its
own, with limits of the operating system on memory and on files it may write, and is ended when its time is up. In it DuckDB
may neither read nor write files, load extensions, look at Python's variables, nor change its settings.

Each question comes on stdin as a line of JSON and, after it, the tables it names as Arrow streams of given lengths. The
answer goes to stdout as one line of JSON.
"""

from __future__ import annotations

import json
import math
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import date, datetime, timedelta
from datetime import time as clock_time
from decimal import Decimal
from typing import Any, BinaryIO

from groundwork.telemetry.sql_views import DATASET, VIEWS

ADDRESS_SPACE = 4 << 30
"""Bytes of address space of the process; libraries take most of a gigabyte of it before they do anything."""
SETTINGS = (
    "SET threads={threads}",
    "SET memory_limit='{memory_mib}MiB'",
    "SET max_temp_directory_size='0B'",
    "SET temp_directory=''",
    "SET allow_community_extensions=false",
    "SET autoinstall_known_extensions=false",
    "SET autoload_known_extensions=false",
    "SET allow_unsigned_extensions=false",
    "SET python_enable_replacements=false",
    "SET python_scan_all_frames=false",
    "SET enable_progress_bar=false",
    "SET TimeZone='UTC'",
    "SET enable_external_access=false",
    "SET lock_configuration=true",
)
MOST_BYTES = 16 << 20
"""Of an answer; rows beyond are left out and the answer says so."""
MOST_CELL = 100_000


class Refused(Exception):
    """The statement cannot be answered; `args` are a code and a message."""


def answer(question: Mapping[str, Any], tables: Mapping[str, Any]) -> dict[str, Any]:
    """Answer one question.

    Args:
        question: `statement`, `limit`, `timeout_s`, `threads`, `memory_mib`; `files` with `names`, `place`, `leave_out`.
        tables: Arrow tables by name.

    Returns:
        `columns` (name and type), `rows`, `more`, `seconds`; or `error` with `code` and `message`.
    """
    import duckdb

    connection = duckdb.connect(":memory:")
    begun = time.monotonic()
    try:
        for name, table in _sources(question, tables):
            connection.register(name, table)
        for name, view in VIEWS.items():
            if name in question["views"]:
                connection.execute(f"CREATE VIEW {name} AS {view}")
        for setting in SETTINGS:
            connection.execute(setting.format(**question))
        watch = threading.Timer(question["timeout_s"], connection.interrupt)
        watch.daemon = True
        watch.start()
        try:
            return {**_run(connection, question), "seconds": round(time.monotonic() - begun, 4)}
        finally:
            watch.cancel()
    except Refused as refused:
        return {"error": dict(zip(("code", "message"), refused.args, strict=True))}
    except (duckdb.Error, MemoryError, RuntimeError, OSError) as error:
        return {"error": {"code": _code(error), "message": str(error)[:4000]}}
    finally:
        with suppress(Exception):
            connection.close()


def _run(connection: Any, question: Mapping[str, Any]) -> dict[str, Any]:
    import duckdb

    statements = connection.extract_statements(question["statement"])
    if len(statements) != 1:
        raise Refused("several", "one statement at a time, please" if statements else "there is no statement")
    if statements[0].type != duckdb.StatementType.SELECT:
        raise Refused(
            "no_select",
            f"this is a statement of the kind {statements[0].type.name}, and only SELECT is answered",
        )
    result = connection.execute(statements[0])
    columns = [{"name": str(c[0]), "type": str(c[1])} for c in result.description]
    rows: list[list[Any]] = []
    size = 0
    more = False
    while not more:
        found = result.fetchmany(min(1000, question["limit"] + 1 - len(rows)))
        if not found:
            break
        for row in found:
            if len(rows) >= question["limit"] or size > MOST_BYTES:
                more = True
                break
            plain = [_plain(value) for value in row]
            size += sum(len(value) if isinstance(value, str) else 16 for value in plain)
            rows.append(plain)
    return {"columns": columns, "rows": rows, "more": more}


def _sources(question: Mapping[str, Any], tables: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the tables with the names that views know them by; `spans` from live rows and archived files together."""
    for name, table in tables.items():
        if name != DATASET:
            yield f"{name}_rows", table
    if DATASET not in tables:
        return
    import pyarrow.compute as pc
    import pyarrow.dataset as ds

    live = ds.dataset(tables[DATASET])
    parts = [live]
    files = question.get("files") or {}
    if files.get("names"):
        archived = ds.dataset(
            [f"{files['root']}/{name}" for name in files["names"]],
            schema=live.schema,
            format="parquet",
            filesystem=_filesystem(files["url"]),
        )
        if files.get("leave_out"):
            archived = archived.filter(~pc.field("span_id").isin(files["leave_out"]))
        if question.get("principal") is not None:
            archived = archived.filter(pc.field("principal") == question["principal"])
        parts.append(archived)
    # Two relations: DuckDB asks each for the columns and rows that it needs alone.
    yield "live_spans", parts[0]
    yield "archived_spans", parts[1] if len(parts) > 1 else live.filter(pc.scalar(False))


def _filesystem(url: str) -> Any:
    if "://" not in url:
        return None
    from fsspec.core import url_to_fs

    return url_to_fs(url, use_listings_cache=False)[0]


def _code(error: BaseException) -> str:
    kind = type(error).__name__
    if kind == "InterruptException":
        return "too_slow"
    if isinstance(error, MemoryError) or kind == "OutOfMemoryException" or "bad_alloc" in str(error):
        return "too_much"
    if "No such file" in str(error) or isinstance(error, FileNotFoundError):
        return "gone"
    if kind == "PermissionException":
        return "forbidden"
    return "wrong"


def _plain(value: Any) -> Any:
    """Return a value as JSON has it: times as ISO 8601, decimals as numbers, what JSON has no number for as text."""
    if value is None or isinstance(value, bool | int):
        return value if not isinstance(value, int) or -(2**63) <= value < 2**63 else str(value)
    if isinstance(value, str):
        return value if len(value) <= MOST_CELL else value[:MOST_CELL] + "…"
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, date | clock_time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    if isinstance(value, bytes | bytearray):
        return bytes(value[:MOST_CELL]).hex()
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in list(value.items())[:1000]}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value[:1000]]
    return str(value)[:MOST_CELL]


def _limit(address_space: int) -> None:
    import resource

    for limit, value in (
        (resource.RLIMIT_AS, address_space),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        with suppress(ValueError, OSError):
            resource.setrlimit(limit, (value, value))


def _read_tables(source: BinaryIO, sizes: Mapping[str, int]) -> dict[str, Any]:
    import pyarrow as pa

    return {name: pa.ipc.open_stream(source.read(size)).read_all() for name, size in sizes.items()}


def main() -> None:
    """Answer questions until stdin ends."""
    import duckdb  # noqa: F401 - before memory is limited, and while the first question is on its way
    import pyarrow.dataset  # noqa: F401

    _limit(ADDRESS_SPACE)
    source, target = sys.stdin.buffer, sys.stdout.buffer
    # What libraries print must not stand among the answers.
    sys.stdout = sys.stderr
    while line := source.readline():
        question = json.loads(line)
        try:
            said = answer(question, _read_tables(source, question["sizes"]))
        except Exception as error:
            said = {"error": {"code": "wrong", "message": f"{type(error).__name__}: {error}"[:4000]}}
        target.write(json.dumps(said, ensure_ascii=True, default=str).encode() + b"\n")
        target.flush()


if __name__ == "__main__":
    main()
