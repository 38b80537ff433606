"""Reading, writing and refusing on both databases."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, func, insert, select, update

from groundwork.core.errors import (
    BusyError,
    ConflictError,
    DamagedError,
    GroundworkError,
    InternalError,
    SettingsError,
    StorageFullError,
    UnavailableError,
)
from groundwork.storage import columns
from groundwork.storage import tables as t
from groundwork.storage.database import Database, exclusive, insert_or_ignore, insert_or_update


def blob(digest: str, size: int = 1) -> dict[str, object]:
    return {"digest": digest, "size": size, "media_type": "text/plain", "created_at": ""}


def sizes(database: Database) -> dict[str, int]:
    with database.read() as connection:
        return {row.digest: row.size for row in connection.execute(select(t.blobs))}


def test_what_is_written_is_read_by_another_connection(database: Database) -> None:
    with database.write() as connection:
        connection.execute(insert(t.blobs), [blob("a", 2**62)])
    assert sizes(Database(database.url)) == {"a": 2**62}


def test_an_error_in_the_body_undoes_the_whole_write(database: Database) -> None:
    def change_my_mind() -> None:
        with database.write() as connection:
            connection.execute(insert(t.blobs), [blob("a")])
            raise ValueError("changed my mind")

    with pytest.raises(ValueError, match="changed my mind"):
        change_my_mind()
    assert sizes(database) == {}


def test_a_read_sees_one_state_throughout(database: Database) -> None:
    with database.read() as connection:
        before = connection.execute(select(func.count()).select_from(t.blobs)).scalar()
        thread = threading.Thread(target=add, args=(database, "later"))
        thread.start()
        thread.join()
        assert connection.execute(select(func.count()).select_from(t.blobs)).scalar() == before
    assert sizes(database) == {"later": 1}


def test_a_read_cannot_write(database: Database) -> None:
    with pytest.raises(GroundworkError), database.read() as connection:
        connection.execute(insert(t.blobs), [blob("a")])
    assert sizes(database) == {}


def test_a_connection_that_read_may_write_afterwards_and_the_other_way(database: Database) -> None:
    for number in range(5):
        assert len(sizes(database)) == number
        add(database, str(number))


def test_a_write_inside_a_write_of_the_same_thread_is_refused_at_once(database: Database) -> None:
    with database.write(), pytest.raises(InternalError), database.write():
        pass
    add(database, "still works")


def test_ignored_rows_are_not_counted_and_not_changed(database: Database) -> None:
    with database.write() as connection:
        assert insert_or_ignore(connection, t.blobs, [blob("a"), blob("b")]) == 2
        assert insert_or_ignore(connection, t.blobs, [blob("b", 9), blob("c")]) == 1
        assert insert_or_ignore(connection, t.blobs, []) == 0
    assert sizes(database) == {"a": 1, "b": 1, "c": 1}


def test_updated_rows_take_the_new_values(database: Database) -> None:
    with database.write() as connection:
        insert_or_update(connection, t.blobs, [blob("a"), blob("b")])
        insert_or_update(connection, t.blobs, [blob("b", 9), blob("c", 3)])
        insert_or_update(connection, t.blobs, blob("a", 7), update=["media_type"])
        insert_or_update(connection, t.blobs, [])
    assert sizes(database) == {"a": 1, "b": 9, "c": 3}


def test_a_row_that_is_there_already_is_a_conflict(database: Database) -> None:
    add(database, "a")
    with pytest.raises(ConflictError):
        add(database, "a")


def test_a_reference_to_nothing_is_a_conflict(database: Database) -> None:
    row = {"answer_id": "ans_none", "document_id": "doc_x", "tenant": "default"}
    with pytest.raises(ConflictError), database.write() as connection:
        connection.execute(insert(t.answer_documents), [row])


def test_deleting_an_answer_deletes_its_document_list(database: Database) -> None:
    with database.write() as connection:
        connection.execute(insert(t.answers), [answer("ans_1")])
        row = {"answer_id": "ans_1", "document_id": "doc_x", "tenant": "default"}
        connection.execute(insert(t.answer_documents), [row])
        connection.execute(delete(t.answers))
        assert connection.execute(select(t.answer_documents)).all() == []


def test_no_increment_is_lost_between_processes(database: Database) -> None:
    add(database, "counter", 0)
    code = """
import sys
from sqlalchemy import select, update
from groundwork.storage.database import Database, exclusive
from groundwork.storage.tables import blobs
database = Database(sys.argv[1])
for _ in range(15):
    with database.write() as connection:
        exclusive(connection, "counter")
        size = connection.execute(select(blobs.c.size)).scalar()
        connection.execute(update(blobs).values(size=size + 1))
"""
    runs = [subprocess.Popen([sys.executable, "-c", code, database.url]) for _ in range(3)]
    assert [run.wait() for run in runs] == [0] * 3
    assert sizes(database) == {"counter": 45}


def test_a_forked_child_uses_connections_of_its_own(database: Database) -> None:
    add(database, "parent")
    child = os.fork()
    if child == 0:
        try:
            add(database, "child")
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    add(database, "parent again")
    assert set(sizes(database)) == {"parent", "child", "parent again"}


def test_any_text_and_any_json_come_back_as_they_were_written(database: Database) -> None:
    anything = st.text(st.characters(), max_size=20) | st.text(
        st.sampled_from("a\x00\ud800\udfff\uf8fe0\\é𝄞")
    )
    values = st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | anything,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(anything, inner, max_size=3),
        max_leaves=5,
    )

    @settings(deadline=None, max_examples=60)
    @given(question=anything, record=values.filter(lambda v: v is not None))
    def check(question: str, record: object) -> None:
        with database.write() as connection:
            connection.execute(delete(t.answers))
            connection.execute(
                insert(t.answers), [{**answer("ans_1"), "question": question, "record": record}]
            )
            row = connection.execute(select(t.answers).where(t.answers.c.question == question)).one()
            assert (row.question, row.record) == (question, record)

    check()


@given(st.text(st.characters()) | st.text(st.sampled_from("\x00\ud800\uf8fe09ad")), st.text(st.characters()))
def test_different_texts_stay_different_when_stored(one: str, other: str) -> None:
    kind = columns.AnyText()
    stored = [kind.process_bind_param(value, None) for value in (one, other)]  # type: ignore[arg-type]
    assert (stored[0] == stored[1]) == (one == other)
    for text in stored:
        assert text is not None
        assert "\x00" not in text
        text.encode()


@given(st.integers(0, 2**64 - 1))
def test_an_unsigned_number_fits_a_signed_column(number: int) -> None:
    kind = columns.Unsigned()
    stored = kind.process_bind_param(number, None)  # type: ignore[arg-type]
    assert stored is not None
    assert -(2**63) <= stored < 2**63
    assert kind.process_result_value(stored, None) == number  # type: ignore[arg-type]


def test_text_is_ordered_by_code_point_everywhere(database: Database) -> None:
    names = ["Z", "a", "B", "ä", "z", "_", "-", "中", "𝄞"]
    with database.write() as connection:
        connection.execute(insert(t.blobs), [blob(name) for name in names])
        ordered = list(connection.execute(select(t.blobs.c.digest).order_by(t.blobs.c.digest)).scalars())
    assert ordered == sorted(names)


def test_foreign_urls_are_refused_with_a_hint() -> None:
    for url in ("mysql://u:secret@h/d", "sqlite://", "nonsense://"):
        with pytest.raises(SettingsError) as caught:
            Database(url)
        assert caught.value.hint
        assert "secret" not in caught.value.message


def test_the_password_is_not_shown_in_the_name() -> None:
    assert "secret" not in Database("postgresql://ann:secret@db.example/groundwork").name


@pytest.mark.postgres
def test_a_server_that_does_not_answer_is_unavailable(tmp_path: Path) -> None:
    database = Database(f"postgresql://postgres@/nothing?host={tmp_path}")
    with pytest.raises(UnavailableError), database.read() as connection:
        connection.execute(select(1))


# ---- SQLite's own faults -------------------------------------------------------------------------------------------


@pytest.fixture
def local(tmp_path: Path) -> Database:
    database = Database(tmp_path / "groundwork.db")
    database.migrate()
    return database


def test_sqlite_is_set_to_lose_nothing(local: Database) -> None:
    with local.read() as connection:
        asked = {
            p: connection.exec_driver_sql(f"PRAGMA {p}").scalar() for p in ("journal_mode", "synchronous")
        }
        others = {
            p: connection.exec_driver_sql(f"PRAGMA {p}").scalar() for p in ("foreign_keys", "secure_delete")
        }
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 30_000
    assert asked == {"journal_mode": "wal", "synchronous": 2}
    assert others == {"foreign_keys": 1, "secure_delete": 1}


def test_a_locked_database_is_busy(local: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("groundwork.storage.database.BUSY_SECONDS", 0.1)
    with Database(local.url).write(), pytest.raises(BusyError), Database(local.url).write():
        pass


def test_a_file_that_is_no_database_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "groundwork.db").write_bytes(b"this is not a database, it only looks like a file" * 50)
    with pytest.raises(DamagedError) as caught:
        Database(tmp_path / "groundwork.db").migrate()
    assert "groundwork.db" in caught.value.message


def test_a_full_disk_refuses_the_write_and_keeps_what_was_there(local: Database) -> None:
    add(local, "kept")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with local.write() as connection:  # the log is as large as it may become
        connection.execute(update(t.blobs).values(size=2))
    limit = (local.path.stat().st_size if local.path else 0) + 100_000
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with pytest.raises(StorageFullError), local.write() as connection:
            connection.execute(insert(t.blobs), [blob(f"{n}" * 50) for n in range(20_000)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert sizes(local) == {"kept": 2}
    add(local, "after")
    assert sizes(local) == {"kept": 2, "after": 1}


def test_a_folder_that_cannot_be_made_is_told_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UnavailableError, match="file"):
        Database(tmp_path / "file" / "groundwork.db").migrate()


def test_deleted_text_is_in_no_file_after_a_scrub(local: Database, tmp_path: Path) -> None:
    secret = "the very secret words of a person"
    with local.write() as connection:
        connection.execute(insert(t.answers), [{**answer("ans_1"), "text": secret}])
    with local.write() as connection:
        connection.execute(delete(t.answers))
    local.scrub()
    for file in tmp_path.iterdir():
        assert secret.encode() not in file.read_bytes(), file.name


def add(database: Database, digest: str, size: int = 1) -> None:
    with database.write() as connection:
        _insert(connection, digest, size)


def _insert(connection: Connection, digest: str, size: int) -> None:
    exclusive(connection, "blobs")
    connection.execute(insert(t.blobs), [blob(digest, size)])


def answer(identifier: str) -> dict[str, object]:
    words = dict.fromkeys(("app", "question", "text", "created_at", "principal"), "")
    return {"id": identifier, "tenant": "default", "record": {}, "snapshot": None, **words}
