"""What bytes are is told by their content first and by their name second."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundwork.knowledge.loaders import LOADERS
from groundwork.knowledge.parsing import loader_for, media_type
from tests.loaders.samples import compound, sample_of, zipped

NAMED_BY_CONTENT = [
    n for n in LOADERS.names() if n not in ("code", "csv", "markdown", "notebook", "restructuredtext")
]


@pytest.mark.parametrize("loader", LOADERS.names())
def test_a_file_with_its_usual_name_goes_to_its_loader(loader: str) -> None:
    sample = sample_of(loader)
    chosen = loader_for(media_type(sample.data, sample.name))
    assert chosen is not None
    assert chosen[0] == loader


@pytest.mark.parametrize("loader", NAMED_BY_CONTENT)
@pytest.mark.parametrize("name", ["", "noname", "wrong.bin"])
def test_content_tells_the_format_without_a_name(loader: str, name: str) -> None:
    chosen = loader_for(media_type(sample_of(loader).data, name))
    assert chosen is not None
    assert chosen[0] == loader


@pytest.mark.parametrize("loader", ["docx", "pdf", "rtf", "epub", "html"])
def test_a_wrong_ending_does_not_deceive(loader: str) -> None:
    chosen = loader_for(media_type(sample_of(loader).data, "letter.txt"))
    assert chosen is not None
    assert chosen[0] == loader


@pytest.mark.parametrize(
    ("data", "name", "kind"),
    [
        (b"", "a.pdf", "application/x-empty"),
        (b"<div>hello</div>\n\n# Title\n", "a.md", "text/markdown"),
        (b"# just a comment\nx = 1\n", "a.py", "text/x-source"),
        (b'{"a": 1}\n{"a": 2}\n', "data", "application/x-ndjson"),
        (b'{"a": 1}', "a.txt", "application/json"),
        (b"{not json at all", "a.txt", "text/plain"),
        (b"<?xml version='1.0'?><note/>", "a.txt", "application/xml"),
        (b"From the start: it was\nSubject: to change\n", "a.txt", "text/plain"),
        (b"\x7fELF\x02\x01", "a.txt", "application/x-executable"),
        (b"\x00\x01\x02\x03" * 50, "a", "application/octet-stream"),
        (b"no pdf at all", "a.pdf", "text/plain"),
        ("<html><body>é</body></html>".encode("utf-16"), "a", "text/html"),
        (zipped({"a.txt": "x"}), "a.zip", "application/zip"),
        (compound({"EncryptedPackage": b"x" * 600}), "a.docx", "application/x-encrypted-ooxml"),
    ],
)
def test_known_cases(data: bytes, name: str, kind: str) -> None:
    assert media_type(data, name) == kind


@given(
    st.binary(max_size=300),
    st.sampled_from(["", "a.md", "a.docx", "a.zip", "a.json", "a.eml", "a.html"]),
    st.data(),
)
@settings(max_examples=300, deadline=None)
def test_any_bytes_have_a_media_type(data: bytes, name: str, more: st.DataObject) -> None:
    magic = more.draw(
        st.sampled_from([b"", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"{", b"RIFF", b"<?xml"])
    )
    assert media_type(magic + data, name).count("/") == 1


def test_nobody_reads_an_unknown_binary() -> None:
    assert loader_for("application/octet-stream") is None
    assert loader_for("text/x-never-heard-of") == ("text", LOADERS.get("text").version)


@pytest.mark.parametrize(
    "bait",
    [
        b"<!-- -->" * 100_000,
        b"<!--" * 100_000,
        b" " * 1_000_000,
        b"[" * 1_000_000,
        b"a:b\n" * 100_000,
        b"PK\x03\x04" * 100_000,
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"W\x00" * 500_000,
    ],
    ids=["comments", "openings", "blanks", "brackets", "headers", "members", "streams"],
)
def test_bait_costs_no_time_because_the_parent_process_sniffs_too(bait: bytes) -> None:
    started = time.thread_time()
    media_type(bait, "x")
    assert time.thread_time() - started < 1
