"""A small file of every format, made here and now, with what must be found in it."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from functools import cache

from groundwork.testing.loader import LoaderSample

PNG_DOT = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000a49444154789c6360000000020001e221bc330000000049454e44ae426082"
)


def markdown() -> LoaderSample:
    text = (
        "---\ntitle: The Handbook\nlang: en-GB\nauthor: Ada\n---\n# First steps { #first }\n\nSome *words*.\n\n"
        "## Run `it`\n\n```python\nprint(1)\n```\n\n- one\n- two\n\n| a | b |\n| - | - |\n| 1 | 2 |\n"
    )
    return LoaderSample(
        text.encode(),
        "a.md",
        ("# First steps", "print(1)"),
        ("heading", "code", "list", "table"),
        "The Handbook",
    )


def restructuredtext() -> LoaderSample:
    text = (
        "=====\nGuide\n=====\n\n:author: Ada\n\nStart\n-----\n\nRun it::\n\n    make all\n\n.. code-block:: python\n\n"
        "   print(1)\n\n- one\n- two\n\n=== ===\na   b\n=== ===\n1   2\n=== ===\n"
    )
    return LoaderSample(text.encode(), "a.rst", ("make all",), ("heading", "code", "list", "table"), "Guide")


def html() -> LoaderSample:
    text = (
        "<!doctype html><html lang='de'><head><title>Die Seite</title><script>bad()</script></head><body>"
        "<nav><a href='/'>Home</a></nav><main><h1>Über uns</h1><p>Ein <b>Satz</b> mit <a href='x'>Verweis</a>.</p>"
        "<ul><li>eins<ul><li>zwei</li></ul></li></ul><pre><code class='language-sh'>ls -l</code></pre>"
        "<table><tr><th>Name</th><th>Wert</th></tr><tr><td>a|b</td><td>2</td></tr></table></main>"
        "<footer>Impressum</footer></body></html>"
    )
    says = ("Ein Satz mit Verweis.", "- eins", "  - zwei", "ls -l", "| Name | Wert |")
    return LoaderSample(text.encode(), "a.html", says, ("heading", "list", "code", "table"), "Die Seite")


def text() -> LoaderSample:
    return LoaderSample(
        "Grüße\r\naus  Köln \u200bhier".encode("utf-16-le"), "a.txt", ("Grüße\naus  Köln hier",)
    )


def code() -> LoaderSample:
    return LoaderSample(b"def f():\n    return 1\n", "a.py", ("return 1",), ("code",))


def csv() -> LoaderSample:
    return LoaderSample(
        b'name;price\n"Nut; bolt";1,5\n', "a.csv", ("| name | price |", "| Nut; bolt | 1,5 |"), ("table",)
    )


def json_() -> LoaderSample:
    rows = [{"title": "One", "n": 1.50}, {"title": "Two", "tags": ["a", "b"]}]
    return LoaderSample(json.dumps(rows).encode(), "a.json", ("title: One", "n: 1.5", "- a"), ("row",))


def notebook() -> LoaderSample:
    cells = [
        {"cell_type": "markdown", "source": ["# Study\n", "words"]},
        {"cell_type": "code", "source": "print(1)", "outputs": [{"text": ["1\n"]}]},
    ]
    book = {"cells": cells, "metadata": {}, "nbformat": 4}
    return LoaderSample(json.dumps(book).encode(), "a.ipynb", ("print(1)",), ("heading", "code"), "Study")


def email() -> LoaderSample:
    message = EmailMessage()
    message["Subject"] = "Grüße"
    message["From"], message["To"] = "Ada <ada@example.org>", "bob@example.org"
    message["Date"] = "Fri, 20 Nov 2026 10:00:00 +0000"
    message.set_content("Dear Bob,\nsee below.")
    message.add_alternative("<p>Dear Bob</p>", subtype="html")
    message.add_attachment(b"a,b\n1,2\n", maintype="text", subtype="csv", filename="table.csv")
    says = ("From: Ada <ada@example.org>", "Dear Bob,", "Attachment: table.csv", "| a | b |")
    return LoaderSample(bytes(message), "a.eml", says, ("heading", "attachment", "table"), "Grüße")


def docx() -> LoaderSample:
    from docx import Document

    document = Document()
    document.core_properties.title = "Report"
    document.add_heading("Results", 1)
    document.add_paragraph("All is well.")
    document.add_paragraph("first", style="List Bullet")
    document.add_paragraph("second", style="List Number")
    table = document.add_table(2, 2)
    for place, value in enumerate(("Name", "Value", "x", "1")):
        table.cell(place // 2, place % 2).text = value
    says = ("All is well.", "- first", "1. second", "| Name | Value |", "| x | 1 |")
    return LoaderSample(_saved(document.save), "a.docx", says, ("heading", "list", "table"), "Report")


def pptx() -> LoaderSample:
    from pptx import Presentation

    show = Presentation()
    show.core_properties.title = "Talk"
    slide = show.slides.add_slide(show.slide_layouts[1])
    slide.shapes.title.text = "Agenda"
    slide.placeholders[1].text = "one\ntwo"
    slide.notes_slide.notes_text_frame.text = "speak slowly"
    says = ("Agenda", "- one", "speak slowly")
    return LoaderSample(_saved(show.save), "a.pptx", says, ("slide", "heading", "list", "note"), "Talk")


def xlsx() -> LoaderSample:
    from datetime import date

    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    sheet.title = "Prices"
    for row in (("day", "price", "share"), (date(2026, 11, 20), 1.5, 0.25)):
        sheet.append(row)
    sheet["C2"].number_format = "0%"
    sheet["A5"] = "a remark"
    says = ("| day | price | share |", "| 2026-11-20 | 1.5 | 25% |", "a remark")
    return LoaderSample(_saved(book.save), "a.xlsx", says, ("sheet", "heading", "table"))


def odf() -> LoaderSample:
    from odf.opendocument import OpenDocumentText
    from odf.table import Table, TableCell, TableRow
    from odf.text import H, List, ListItem, P

    document = OpenDocumentText()
    document.text.addElement(H(outlinelevel=1, text="Heading"))
    document.text.addElement(P(text="A paragraph."))
    items = List()
    for word in ("one", "two"):
        item = ListItem()
        item.addElement(P(text=word))
        items.addElement(item)
    document.text.addElement(items)
    table = Table()
    for words in (("a", "b"), ("1", "2")):
        row = TableRow()
        for word in words:
            cell = TableCell()
            cell.addElement(P(text=word))
            row.addElement(cell)
        table.addElement(row)
    document.text.addElement(table)
    says = ("A paragraph.", "- one\n- two", "| a | b |")
    return LoaderSample(_saved(document.write), "a.odt", says, ("heading", "list", "table"))


def epub() -> LoaderSample:
    page = "<html xmlns='http://www.w3.org/1999/xhtml'><head><title>{0}</title></head><body><h1>{0}</h1><p>{1}</p></body></html>"
    package = (
        "<package xmlns='http://www.idpf.org/2007/opf' xmlns:dc='http://purl.org/dc/elements/1.1/'><metadata>"
        "<dc:title>The Book</dc:title><dc:language>fr-CA</dc:language></metadata><manifest>"
        "<item id='a' href='a.xhtml' media-type='application/xhtml+xml'/>"
        "<item id='b' href='b.xhtml' media-type='application/xhtml+xml'/></manifest>"
        "<spine><itemref idref='b'/><itemref idref='a'/></spine></package>"
    )
    container = "<container><rootfiles><rootfile full-path='OEBPS/book.opf'/></rootfiles></container>"
    members = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": container,
        "OEBPS/book.opf": package,
        "OEBPS/a.xhtml": page.format("Second", "later"),
        "OEBPS/b.xhtml": page.format("First", "sooner"),
    }
    return LoaderSample(
        zipped(members), "a.epub", ("First\n\nsooner\n\nSecond",), ("chapter", "heading"), "The Book"
    )


def rtf() -> LoaderSample:
    source = r"{\rtf1\ansi{\info{\title The Letter}}\pard Dear \b Bob\b0, gr\'fc\'dfe\par Bye\par}"
    return LoaderSample(source.encode("ascii"), "a.rtf", ("Dear Bob, grüße\nBye",), (), "The Letter")


def pdf() -> LoaderSample:
    from reportlab.lib.pagesizes import A4
    from reportlab.pdfgen.canvas import Canvas

    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A4, invariant=1)
    canvas.setTitle("The Paper")
    canvas.setFont("Helvetica-Bold", 20)
    canvas.drawString(72, 770, "Introduction")
    canvas.setFont("Helvetica", 11)
    lines = (
        "This paragraph is long enough that its lines are wrapped at the right margin, so that the",
        "words of a sentence go on in the next line and a reader would never see that there was an end.",
        "Short end.",
    )
    for place, line in enumerate(lines):
        canvas.drawString(72, 730 - 13 * place, line)
    canvas.showPage()
    canvas.setFont("Helvetica", 11)
    canvas.drawString(72, 770, "The second page.")
    canvas.save()
    says = ("so that the words of a sentence", "The second page.")
    return LoaderSample(buffer.getvalue(), "a.pdf", says, ("page", "heading"), "The Paper")


def outlook() -> LoaderSample:
    def wide(words: str) -> bytes:
        return words.encode("utf-16-le")

    streams = {
        "__properties_version1.0": b"\x00" * 32,
        "__substg1.0_001A001F": wide("IPM.Note"),
        "__substg1.0_0037001F": wide("Plans"),
        "__substg1.0_1000001F": wide("Let us meet."),
        "__substg1.0_0C1A001F": wide("Ada"),
    }
    return LoaderSample(compound(streams), "a.msg", ("From: Ada", "Let us meet."), ("heading",), "Plans")


def legacy() -> LoaderSample:
    head = struct.pack("<HHHHHH", 0xA5EC, 0xC1, 0, 0, 0, 0x0100)
    return LoaderSample(compound({"WordDocument": head + b"\x00" * 600}), "a.doc", refused="encrypted")


def image() -> LoaderSample:
    return LoaderSample(b"\x89PNG\r\n\x1a\n" + b"\x00" * 40, "a.png", refused="broken")


SAMPLES: Mapping[str, Callable[[], LoaderSample]] = {
    "code": code,
    "csv": csv,
    "docx": docx,
    "email": email,
    "epub": epub,
    "html": html,
    "image": image,
    "json": json_,
    "legacy": legacy,
    "markdown": markdown,
    "notebook": notebook,
    "odf": odf,
    "outlook": outlook,
    "pdf": pdf,
    "pptx": pptx,
    "restructuredtext": restructuredtext,
    "rtf": rtf,
    "text": text,
    "xlsx": xlsx,
}
"""A sample of every loader on the shelf; a new loader without one fails the contract test."""


@cache
def sample_of(loader: str) -> LoaderSample:
    """Return the sample of a loader, made once."""
    return SAMPLES[loader]()


def zipped(members: Mapping[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip file; a member called `mimetype` is stored as ODF and EPUB want it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content, zipfile.ZIP_STORED if name == "mimetype" else method)
    return buffer.getvalue()


def compound(streams: Mapping[str, bytes]) -> bytes:
    """Return a compound file (OLE) with streams in its root, each on sectors of its own ([MS-CFB])."""
    end, free = 0xFFFFFFFE, 0xFFFFFFFF
    names = sorted(streams)
    directory_sectors = -(-(len(names) + 1) // 4)
    fat = [0xFFFFFFFD] + [n + 1 for n in range(1, directory_sectors)] + [end]
    body = b""
    starts = []
    for name in names:
        count = max(1, -(-len(streams[name]) // 512))
        starts.append(len(fat))
        fat += [len(fat) + n + 1 for n in range(count - 1)] + [end]
        body += streams[name].ljust(count * 512, b"\x00")
    assert len(fat) <= 128

    def entry(name: str, kind: int, right: int, child: int, start: int, size: int) -> bytes:
        label = name.encode("utf-16-le")
        head = label.ljust(64, b"\x00") + struct.pack("<HBBIII", len(label) + 2, kind, 1, free, right, child)
        return (head + b"\x00" * 36 + struct.pack("<III", start, size, 0)).ljust(128, b"\x00")

    entries = [entry("Root Entry", 5, free, 1 if names else free, end, 0)]
    for place, name in enumerate(names, 1):
        entries.append(
            entry(
                name,
                2,
                place + 1 if place < len(names) else free,
                free,
                starts[place - 1],
                len(streams[name]),
            )
        )
    header = (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
        + b"\x00" * 16
        + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6)
        + b"\x00" * 6
    )
    # A cut-off of 0 bytes puts even the smallest stream on sectors of its own.
    header += struct.pack("<IIIIIIIII", 0, 1, 1, 0, 0, end, 0, end, 0)
    header += struct.pack("<109I", 0, *[free] * 108)
    table = struct.pack("<128I", *fat, *[free] * (128 - len(fat)))
    return header + table + b"".join(entries).ljust(directory_sectors * 512, b"\x00") + body


def _saved(save: Callable[[io.BytesIO], object]) -> bytes:
    buffer = io.BytesIO()
    save(buffer)
    return buffer.getvalue()
