"""Plain spans of databases; those of vector stores are retrievals."""

from __future__ import annotations

from typing import ClassVar

from groundwork.telemetry.plain import word
from groundwork.telemetry.raw import RawSpan
from groundwork.telemetry.reading import Reading

_RENAMED = {
    "db.system": "db.system.name", "db.statement": "db.query.text", "db.operation": "db.operation.name",
    "db.name": "db.namespace", "db.sql.table": "db.collection.name",
}  # fmt: skip
VECTOR_STORES = frozenset(
    {"chroma", "chromadb", "pinecone", "qdrant", "weaviate", "milvus", "lancedb", "marqo", "pgvector"}
)


class Db:
    """Gives older names their present ones; input is the statement."""

    marks: ClassVar = frozenset({"db"})
    rank: ClassVar = 81

    def recognise(self, span: RawSpan) -> str:
        if "db.system.name" in span.attributes:
            return "db"
        return "db/legacy" if "db.system" in span.attributes else ""

    def read(self, reading: Reading) -> None:
        names = reading.attributes
        for old in [name for name in names if name in _RENAMED]:
            reading.rename(old, _RENAMED[old])
        system = word(names.get("db.system.name")).lower()
        if reading.kind is None and system in VECTOR_STORES:
            reading.kind = "retrieval"
        statement = word(names.get("db.query.text"))
        if statement and not reading.input:
            reading.input = statement


plugin = Db
