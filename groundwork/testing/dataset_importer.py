"""What every importer of datasets must do: know its own files, give the same each time, and name the line of what is bad."""

from __future__ import annotations

import contextlib

import pytest

from groundwork.core.errors import InvalidInputError
from groundwork.datasets.importers import Fault, Importer, Row
from groundwork.datasets.importers._source import Source
from groundwork.datasets.importing import read_file


class DatasetImporterContract:
    """Subclass it beside fixtures: `importer`, `file` (name and bytes that it reads whole), and `spoiled` (the same with one
    bad entry, and the number of its line or entry)."""

    def test_it_knows_its_own_file_and_no_other(
        self, importer: Importer, file: tuple[str, bytes], others: list[tuple[str, bytes]]
    ) -> None:
        assert importer.recognises(Source(*file))
        for other in others:
            if importer.rank < 50:  # the last ones on the shelf take any table or any JSON
                assert not importer.recognises(Source(*other)), other[0]

    def test_the_same_file_gives_the_same_examples_with_unique_ids(self, file: tuple[str, bytes]) -> None:
        name, content = file
        first, second = (read_file(content, name) for _ in range(2))
        assert first == second
        assert first.examples
        assert not first.faults
        assert len({x.id for x in first.examples}) == len(first.examples)
        for example in first.examples:
            assert example.input
            assert example.origin.kind

    def test_a_bad_entry_is_named_and_the_others_are_read(
        self, importer: Importer, spoiled: tuple[str, bytes, int]
    ) -> None:
        name, content, line = spoiled
        found = [*importer.rows(Source(name, content), {})]
        assert any(isinstance(r, Row) for r in found)
        assert [r.line for r in found if isinstance(r, Fault)] == [line]
        with pytest.raises(InvalidInputError, match=f"line {line}: ") as refused:
            read_file(content, name)
        assert "nothing was stored" in refused.value.hint
        kept = read_file(content, name, skip_bad=True)
        assert [f.line for f in kept.faults] == [line]
        assert kept.examples

    def test_broken_bytes_are_refused_with_a_reason(
        self, importer: Importer, file: tuple[str, bytes]
    ) -> None:
        name, content = file
        for broken in (
            b"",
            b"\xff\xfe\xfd" + content,
            content[: len(content) // 2],
            b"\0" * 100,
            b"[" * 100_000,
        ):
            with contextlib.suppress(InvalidInputError):
                assert all(isinstance(r, Row | Fault) for r in importer.rows(Source(name, broken), {}))
