"""Files that were made to harm: each is refused or cut with a true reason, soon and in little memory."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from email.message import EmailMessage

import pytest

from groundwork.knowledge.parsing import Parser, Quarantine
from groundwork.knowledge.types import Parsed
from groundwork.testing.loader import check_outcome
from tests.loaders.samples import compound, sample_of, zipped

SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
ENTITIES = "<!DOCTYPE x [<!ENTITY a 'ha'>" + "".join(
    f"<!ENTITY {chr(98 + n)} '{('&' + chr(97 + n) + ';') * 10}'>" for n in range(9)
)


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    with Parser(1) as parser:
        yield parser


def refused(parser: Parser, data: bytes, name: str) -> str:
    """Return the reason a file is refused for; that must take at most 5 s and 256 MiB (`reliability_governance.md`, R12)."""
    measured = parser.measure(data, name)
    check_outcome(measured.outcome)
    assert measured.seconds < 5
    assert measured.rss_mib < 256
    assert isinstance(measured.outcome, Quarantine), measured.outcome
    return measured.outcome.reason


def read(parser: Parser, data: bytes, name: str) -> Parsed:
    """Return what is read; that must take at most 10 s and 512 MiB."""
    measured = parser.measure(data, name)
    check_outcome(measured.outcome)
    assert measured.seconds < 10
    assert measured.rss_mib < 512
    assert isinstance(measured.outcome, Parsed), measured.outcome
    return measured.outcome


def docx(body: str, **parts: str | bytes) -> bytes:
    document = f"<w:document xmlns:w='{WORD}'><w:body>{body}</w:body></w:document>"
    return zipped({"word/document.xml": document, **{k.replace("__", "/"): v for k, v in parts.items()}})


@pytest.mark.parametrize("name", ["a.docx", "a.xlsx", "a.odt"])
def test_a_zip_bomb_is_hostile(parser: Parser, name: str) -> None:
    member = {"docx": "word/document.xml", "xlsx": "xl/workbook.xml", "odt": "content.xml"}[name[2:]]
    assert refused(parser, zipped({member: b"0" * (90 << 20)}), name) == "hostile"


def test_a_zip_that_lies_about_its_size_is_broken(parser: Parser) -> None:
    data = bytearray(zipped({"word/document.xml": b"<a>" + b"0" * (30 << 20)}))
    for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", data, data.find(mark) + offset, 1000)
    assert refused(parser, bytes(data), "a.docx") == "broken"


def test_a_zip_with_too_many_members_is_hostile(parser: Parser) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("word/document.xml", "<a/>")
        for n in range(21_000):
            archive.writestr(f"{n}", "")
    assert refused(parser, buffer.getvalue(), "a.docx") == "hostile"


def test_a_zip_in_a_zip_is_not_unpacked(parser: Parser) -> None:
    inner = zipped({"a.txt": b"0" * (50 << 20)})
    assert refused(parser, zipped({"inner.zip": inner}), "a.zip") == "unsupported"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_an_entity_bomb_is_hostile(parser: Parser, encoding: str) -> None:
    declaration = f"<?xml version='1.0' encoding='{encoding}'?>"
    document = f"{declaration}{ENTITIES}]><w:document xmlns:w='{WORD}'><w:body>&j;</w:body></w:document>"
    assert refused(parser, zipped({"word/document.xml": document.encode(encoding)}), "a.docx") == "hostile"


def test_an_external_entity_is_hostile_and_never_opened(parser: Parser) -> None:
    document = (
        "<!DOCTYPE x [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"
        + f"<w:document xmlns:w='{WORD}'>&x;</w:document>"
    )
    assert refused(parser, zipped({"word/document.xml": document}), "a.docx") == "hostile"


def test_plain_xml_with_entities_stays_the_text_it_is(parser: Parser) -> None:
    assert (
        "root:"
        not in read(
            parser,
            b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><x>&x;</x>",
            "a.xml",
        ).text
    )


def test_huge_shared_strings_are_refused(parser: Parser) -> None:
    item = f"<si><t>{'x' * 32_000}</t></si>"
    strings = f"<sst xmlns='{SHEET}'>{item * 2500}</sst>"
    workbook = f"<workbook xmlns='{SHEET}'><sheets/></workbook>"
    data = zipped({"xl/workbook.xml": workbook, "xl/sharedStrings.xml": strings})
    assert refused(parser, data, "a.xlsx") in ("hostile", "too_large")


def test_a_cell_at_the_far_corner_of_a_sheet_costs_nothing(parser: Parser) -> None:
    rows = "<row r='1'><c r='A1'><v>1</v></c></row><row r='1048576'><c r='XFD1048576'><v>2</v></c></row>"
    sheets = "<sheets><sheet name='S' r:id='r1'/></sheets>"
    relation = "<Relationship Id='r1' Type='x/worksheet' Target='worksheets/s.xml'/>"
    data = zipped(
        {
            "xl/workbook.xml": f"<workbook xmlns='{SHEET}' xmlns:r='r'>{sheets}</workbook>",
            "xl/_rels/workbook.xml.rels": f"<Relationships xmlns='r'>{relation}</Relationships>",
            "xl/worksheets/s.xml": f"<worksheet xmlns='{SHEET}'><sheetData>{rows}</sheetData></worksheet>",
        }
    )
    assert read(parser, data, "a.xlsx").text == "S\n\n1\n\n2"


def test_xml_nested_a_hundred_thousand_deep_is_refused(parser: Parser) -> None:
    assert refused(parser, docx("<w:p>" * 100_000 + "</w:p>" * 100_000), "a.docx") == "hostile"


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_json_nested_a_hundred_thousand_deep_is_hostile(parser: Parser, opening: str) -> None:
    closing = "]" if opening == "[" else "}"
    data = (opening * 100_000 + "1" + closing * 100_000).encode()
    assert refused(parser, data, "a.json") == "hostile"


def test_a_number_of_a_million_digits_is_read_as_it_is_written(parser: Parser) -> None:
    assert len(read(parser, b'{"n": ' + b"9" * 1_000_000 + b"}", "a.json").text) == 1_000_003


def test_html_nested_a_hundred_thousand_deep_is_hostile(parser: Parser) -> None:
    data = b"<html><body>" + b"<div>" * 100_000 + b"deep" + b"</div>" * 100_000
    assert refused(parser, data, "a.html") == "hostile"


def test_html_nested_a_thousand_deep_is_read(parser: Parser) -> None:
    assert read(parser, b"<html><body>" + b"<div>" * 1000 + b"deep", "a.html").text == "deep"


def test_a_million_columns_are_cut_with_a_warning(parser: Parser) -> None:
    document = read(parser, b",".join([b"x"] * 1_000_000) + b"\n1,2\n", "a.csv")
    assert document.warnings == ("cells beyond column 16,384 were left out",)


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.html", "a.csv", "a.rst", "a.eml", "a.rtf"])
def test_a_line_of_a_megabyte_is_read(parser: Parser, name: str) -> None:
    lead = {"a.html": b"<html><body>", "a.eml": b"Subject: x\n\n", "a.rtf": b"{\\rtf1 "}.get(name, b"")
    assert len(read(parser, lead + b"word " * 200_000, name).text) > 999_000


def test_more_text_than_the_limit_is_cut_with_a_warning(parser: Parser) -> None:
    document = read(parser, b"All work and no play.\n" * 500_000, "a.txt")
    assert len(document.text) <= 8_000_000
    assert document.warnings == ("the text was cut after 8,000,000 characters",)


def test_messages_in_messages_end_at_a_bound(parser: Parser) -> None:
    message = EmailMessage()
    message["Subject"] = "innermost"
    message.set_content("the core")
    for depth in range(12):
        outer = EmailMessage()
        outer["Subject"] = f"level {depth}"
        outer.set_content(f"text {depth}")
        outer.add_attachment(message)
        message = outer
    document = read(parser, bytes(message), "a.eml")
    assert "text 11" in document.text
    assert "the core" not in document.text
    assert any("embedded more than 3 deep" in warning for warning in document.warnings)


def test_an_attachment_that_is_a_bomb_does_not_spoil_the_message(parser: Parser) -> None:
    message = EmailMessage()
    message["Subject"] = "Bomb"
    message.set_content("Look inside.")
    bomb = zipped({"word/document.xml": b"0" * (40 << 20)})
    message.add_attachment(bomb, maintype="application", subtype="octet-stream", filename="b.docx")
    document = read(parser, bytes(message), "a.eml")
    assert "Look inside." in document.text
    assert any("zip bomb" in warning for warning in document.warnings)


def test_a_document_that_embeds_itself_again_and_again_is_bounded(parser: Parser) -> None:
    data = sample_of("docx").data
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/package"
    relation = f"<Relationship Id='a' Type='{kind}' Target='embeddings/in.docx'/>"
    for _ in range(8):
        parts = {
            "word___rels__document.xml.rels": f"<Relationships xmlns='r'>{relation}</Relationships>".encode(),
            "word__embeddings__in.docx": data,
        }
        data = docx("<w:p><w:r><w:t>level</w:t></w:r></w:p>", **parts)
    document = read(parser, data, "a.docx")
    assert sum(mark.kind == "attachment" for mark in document.marks) == 3


def test_a_pdf_stream_that_inflates_without_end_is_survived(parser: Parser) -> None:
    stream = zlib.compress(b"0" * (200 << 20), 1)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R >>",
        b"<< /Length %d /Filter /FlateDecode >>\nstream\n" % len(stream) + stream + b"\nendstream",
    ]
    data = b"%PDF-1.4\n" + b"".join(b"%d 0 obj\n%b\nendobj\n" % (n, o) for n, o in enumerate(objects, 1))
    data += b"trailer << /Root 1 0 R /Size 5 >>\n%%EOF"
    measured = parser.measure(data, "a.pdf")
    check_outcome(measured.outcome)
    assert measured.seconds < 20
    assert measured.rss_mib < 512


def test_a_picture_that_says_it_is_enormous_is_survived(parser: Parser) -> None:
    def piece(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 6, 0, 0, 0)
    data = (
        b"\x89PNG\r\n\x1a\n"
        + piece(b"IHDR", head)
        + piece(b"IDAT", zlib.compress(b"0" * 1_000_000))
        + piece(b"IEND", b"")
    )
    assert refused(parser, data, "a.png") in ("broken", "memory", "too_large", "missing_program")


@pytest.mark.parametrize(
    "bait",
    ["*" * 50_000, "[" * 50_000, "> " * 20_000, "`" * 50_001, "- " * 20_000, "|" * 50_000, "_a" * 50_000],
)
def test_bait_for_slow_markdown_readers_is_read_or_refused_in_time(parser: Parser, bait: str) -> None:
    for heading in ("", "# "):
        measured = parser.measure(f"{heading}{bait}\n".encode(), "a.md")
        check_outcome(measured.outcome)
        assert measured.seconds < 21


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.md", b"# x" + b" " * 200_000 + b"{"),
        ("a.txt", b"x" + b" \t" * 1_000_000 + b"x"),
        ("b.txt", ("a" + "\u0301\u0323" * 300_000).encode()),
        ("c.txt", ("\u200d" * 500_000 + "a").encode()),
        ("a.eml", b"Subject: " + b"=?utf-8?q?x?= " * 50_000 + b"\nMIME-Version: 1.0\n\nx"),
        ("a.rst", b"====\n" * 20_000),
    ],
)
def test_bait_for_slow_expressions_is_read_soon(parser: Parser, name: str, data: bytes) -> None:
    parser.parse(b"warm", name)
    measured = parser.measure(data, name)
    check_outcome(measured.outcome)
    assert isinstance(measured.outcome, Parsed)
    assert measured.seconds < 5


def test_a_chain_of_ole_sectors_that_bites_its_tail_is_broken(parser: Parser) -> None:
    data = bytearray(compound({"WordDocument": b"x" * 2000}))
    fat = 512
    struct.pack_into("<I", data, fat + 4 * 3, 2)
    assert refused(parser, bytes(data), "a.doc") in ("broken", "unsupported")


def test_the_parser_still_reads_after_all_that(parser: Parser) -> None:
    assert parser.parse(b"fine", "a.txt") == Parsed("fine")
