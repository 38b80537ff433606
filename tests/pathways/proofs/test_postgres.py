"""The same on PostgreSQL: one chain of proofs recorded at once, looked at again, and the facts of a system."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import insert

from groundwork.pathways.portfolio.systems import apps_with_releases, system_of
from groundwork.storage.tables import answers
from tests.pathways.proofs.house import ANN, house
from tests.storage.postgres import empty_postgres_url, postgres_server

__all__ = ["empty_postgres_url", "postgres_server"]

pytestmark = [pytest.mark.slow, pytest.mark.postgres]


def test_proofs_and_systems_on_postgresql(empty_postgres_url: str, tmp_path: Path) -> None:
    here = house(tmp_path, empty_postgres_url)
    found = [here.records.add("snapshot", f"handbook@{n:064x}", outcome="x") for n in range(12)]

    def record(n: int) -> None:
        here.proofs.record(ANN, "lab", f"lab-{n % 8}", here.finding(found[n], digest=str(n % 8)))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(record, range(12)))
    assert sorted(s.proof.position for s in here.proofs.list(ANN)) == list(range(1, 9))
    assert here.proofs.verify_chain(ANN) == []
    assert {s.state for s in here.proofs.list(ANN)} == {"current"}
    row = {
        "tenant": "default",
        "app": "handbook",
        "question": "?",
        "text": "!",
        "record": {},
        "principal": "local",
    }
    with here.database.write() as connection:
        for n, day in enumerate(("2026-01-02", "2026-01-03", "2026-02-01")):
            values = {
                **row,
                "id": f"ans_{n}",
                "created_at": f"{day}T00:00:00+00:00",
                "abstained": n == 1,
                "redacted": False,
            }
            connection.execute(insert(answers).values(values))
    with here.database.read() as connection:
        assert apps_with_releases(connection, ANN) == []
        shown = system_of(connection, ANN, "handbook", "", "")
    assert [(m.month, m.answers, m.declined) for m in shown.months] == [("2026-01", 1, 1), ("2026-02", 1, 0)]
    here.database.close()
