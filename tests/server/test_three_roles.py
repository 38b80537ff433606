"""Every operation with three roles: no server error, nothing beside its description, nothing without its permission."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sqlalchemy import MetaData, inspect, select
from starlette.testclient import TestClient

from groundwork.accounts.roles import permissions_of
from groundwork.core.principal import LOCAL
from groundwork.server.permissions import declared
from groundwork.storage import tables, telemetry_tables
from groundwork.storage.database import Database
from tests.server.people import app_of, key_of, workspace_of_people
from tests.workspaces import FILES, write

ROLES = ("viewer", "builder", "admin")
CHECKS = [response_schema_conformance, content_type_conformance, status_code_conformance]
FEW = settings(
    max_examples=2, deadline=None, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck), derandomize=True, database=None,
)  # fmt: skip
MANY = settings(FEW, max_examples=40, derandomize=False)
OUTSIDE = ("/livez", "/readyz")
SEEN = {"api_keys": ("last_used_at",), "sessions": ("last_seen_at",), "users": ("last_seen_at",)}
"""Columns that say when something was used last: looking changes them."""


class House:
    """A workspace with records, its application, and a key for each role."""

    def __init__(self, root: Path) -> None:
        self.workspace = workspace_of_people(root)
        self.workspace.ingest([write(root / "files", FILES)])
        answer = self.workspace.ask("How many days of leave?", conversation="new")
        self.app = app_of(self.workspace, hosts=["testserver"])
        self.app.openapi()  # made once and kept; the tool would wait ten seconds for it and no longer
        self.schema = schemathesis.openapi.from_asgi("/api/openapi.json", self.app)
        self.keys = {role: key_of(self.workspace, role) for role in ROLES}
        self.needs = {
            (method, path.replace(":path}", "}")): permissions[0]
            for path, methods, permissions in declared(self.app)
            for method in methods
        }
        # Things of nobody's: a role without the permission aims at what exists and must not reach it.
        _, key = self.workspace.keys.create(LOCAL, "bystander")
        user = self.workspace.accounts.users.get(LOCAL, "vera")
        self.real = {
            "index": "default", "answer_id": answer.id, "conversation_id": answer.conversation or "", "key": key.id,
            "document_id": self.workspace.documents()[0][0].id, "user": user.id, "name": "north", "snapshot": "head",
        }  # fmt: skip

    def operations(self) -> list[tuple[str, str]]:
        described = self.app.openapi()["paths"]
        return [
            (m.upper(), path) for path, methods in described.items() for m in methods if path not in OUTSIDE
        ]

    def state(self) -> str:
        """Return a digest of everything that is stored."""
        digest = hashlib.sha256()
        rooms, telemetry = self.workspace.rooms, self.workspace.telemetry
        for database, metadata in (
            (rooms.database, tables.metadata),
            (telemetry.database, telemetry_tables.metadata),
        ):
            _rows(database, metadata, digest)
        for folder in ("prompts", "uploads"):
            for path in sorted((self.workspace.root / folder).rglob("*")):
                digest.update(str(path).encode() + (path.read_bytes() if path.is_file() else b""))
        return digest.hexdigest()


def _rows(database: Database, metadata: MetaData, digest: Any) -> None:
    with database.unbound() as connection:
        there = set(inspect(connection).get_table_names())
    with database.read() as connection:
        for table in metadata.sorted_tables:
            if table.name in there:
                columns = [c for c in table.c if c.name not in SEEN.get(table.name, ())]
                digest.update(repr(sorted(map(repr, connection.execute(select(*columns))))).encode())


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(tmp_path_factory.mktemp("roles") / "house")
    yield made
    made.workspace.close()


def attempt(house: House, method: str, path: str, budget: settings, mode: GenerationMode) -> None:
    """Send what one operation describes, or just misses, with each of the three roles."""
    needed = house.needs[method, path]
    may = {role: needed in permissions_of(role) for role in ROLES}

    @given(case=house.schema[path][method].as_strategy(generation_mode=mode))
    @budget
    def send(case: schemathesis.Case) -> None:
        generated = dict(case.path_parameters or {})
        aimed = {**generated, **{k: v for k, v in house.real.items() if k in generated}}
        for role in ROLES:
            # Who may change things is not let loose on the records that the others are to miss.
            case.path_parameters = generated if may[role] and method != "GET" else aimed
            answer = case.call(headers=house.keys[role])
            where = (role, method, path, answer.status_code, answer.content[:300])
            assert answer.status_code < 500, where
            if needed != "public" and not may[role]:
                allowed = (
                    (401, 403, 404)
                    if mode is GenerationMode.POSITIVE
                    else (400, 401, 403, 404, 405, 413, 415, 422)
                )
                assert answer.status_code in allowed, where
            if mode is GenerationMode.POSITIVE:
                case.validate_response(answer, checks=CHECKS)

    send()


def test_every_operation_holds_its_description_and_its_permission_for_three_roles(house: House) -> None:
    operations = house.operations()
    assert len(operations) > 50
    for method, path in operations:
        attempt(house, method, path, FEW, GenerationMode.POSITIVE)


def test_a_role_without_the_permission_changes_nothing_that_exists(house: House) -> None:
    """Each operation that writes, aimed at records that exist, by a role that may not: every stored byte stays."""
    before = house.state()
    client = TestClient(house.app, raise_server_exceptions=False)
    tried = 0
    for method, path in house.operations():
        needed = house.needs[method, path]
        address = re.sub(r"{(\w+)}", lambda m: house.real.get(m[1], "x"), path)
        for role in (*ROLES, ""):
            if method == "GET" or needed == "public" or needed in permissions_of(role):
                continue
            shown = house.keys[role] if role else {}
            for body in (
                {},
                {"name": "x", "title": "x", "role": "viewer", "scopes": ["chat"], "snapshot": "head"},
            ):
                answer = client.request(method, address, json=body, headers=shown)
                assert answer.status_code in (401, 403, 404), (role, method, path, answer.status_code)
                tried += 1
    assert tried > 60
    assert house.state() == before


def test_nobody_who_is_not_signed_in_reads_anything(house: House) -> None:
    client = TestClient(house.app, raise_server_exceptions=False)
    for method, path in house.operations():
        if house.needs[method, path] != "public":
            address = re.sub(r"{(\w+)}", lambda m: house.real.get(m[1], "x"), path)
            assert client.request(method, address, json={}).status_code == 401, (method, path)


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_many_requests_of_three_roles_break_nothing_either(house: House, mode: GenerationMode) -> None:
    for method, path in house.operations():
        try:
            attempt(house, method, path, MANY, mode)
        except Unsatisfiable:
            continue
