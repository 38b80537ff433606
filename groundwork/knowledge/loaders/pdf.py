"""PDF: text page by page, wrapped lines joined to paragraphs, headings by outline or size, pictures of text through OCR."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from groundwork.knowledge.loaders import Unreadable, _ocr
from groundwork.knowledge.loaders._pdf_layout import MAX_HEADING_CHARS, Line, blocks, join_hyphens
from groundwork.knowledge.loaders._text import TextBuilder, one_line
from groundwork.knowledge.types import Parsed

MAX_PAGES = 20_000
MAX_OCR_PAGES = 4
"""Pages without text that are read by OCR; more would take longer than a document may take."""
OCR_DPI = 200
MAX_OCR_PIXELS = 12_000_000
_LEAST_TEXT = 16
"""A page with a picture and fewer letters than this is taken as scanned."""
_FACTS = {"Author": "author", "Subject": "subject", "Keywords": "tags", "CreationDate": "created"}
_ARABIC = re.compile("[\u0600-\u06ff]")
_ALEF_LAM = re.compile("[\u0622\u0623\u0625\u0627]\u0644")
_LINE = re.compile(
    "[^\r\n\ufffe\x02]+[\ufffe\x02]?"
)  # a broken word's hyphen ends a line, though no newline follows
_PLACEHOLDERS = frozenset({"(anonymous)", "anonymous", "(unspecified)", "unspecified", "untitled", "unknown"})
_DATE = re.compile(r"^D:(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?([+Z-])?(?:(\d\d)'?(\d\d)?'?)?.*$")
_NO_TITLE = re.compile(
    r"^(microsoft (word|powerpoint|excel) - |untitled|.*\.(docx?|pptx?|xlsx?|pdf|tex|dvi|indd|rtf)$)", re.I
)


class Pdf:
    """Read PDF with PDFium."""

    version: ClassVar[int] = 1
    media_types: ClassVar[Sequence[str]] = ("application/pdf",)

    def load(self, data: bytes, name: str) -> Parsed:
        """Read every page; files that the empty password opens are read, others are `encrypted`."""
        document = _open(data)
        try:
            return _Reader(document).read()
        finally:
            document.close()


def _open(data: bytes) -> Any:
    import pypdfium2
    import pypdfium2.raw as raw

    try:
        document = pypdfium2.PdfDocument(data)
        if len(document) == 0:
            raise Unreadable("broken", "the PDF has no pages")
        return document
    except pypdfium2.PdfiumError as error:
        if raw.FPDF_GetLastError() == raw.FPDF_ERR_PASSWORD or "password" in str(error).lower():
            raise Unreadable("encrypted", "the PDF is encrypted; only a password opens it") from error
        if "security" in str(error).lower():
            raise Unreadable("encrypted", "the PDF uses an encryption that is not supported") from error
        raise Unreadable("broken", f"the PDF is damaged beyond repair: {error}") from error


class _Reader:
    def __init__(self, document: Any) -> None:
        self._pdf = document
        self._out = TextBuilder()
        self._pages: list[list[Line]] = []
        self._scanned: list[int] = []
        self._unread: list[int] = []

    def read(self) -> Parsed:
        count = min(len(self._pdf), MAX_PAGES)
        if count < len(self._pdf):
            self._out.warn(f"only the first {MAX_PAGES:,} of {len(self._pdf):,} pages were read")
        forms = self._has_forms()
        for number in range(count):
            self._pages.append(self._lines(number, forms))
        outline = self._outline()
        levels = _levels_by_size(self._pages) if not outline else {}
        words = Counter(
            re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*", " ".join(n.text for p in self._pages for n in p))
        )
        ocr = self._recognise()
        for number, lines in enumerate(self._pages):
            with self._out.mark("page", self._label(number)):
                self._write(lines, outline.get(number, {}), levels, words)
                if number in ocr:
                    self._out.add(ocr[number])
        facts = self._facts()
        title = facts.pop("title", "")
        result = self._out.build(title="" if _NO_TITLE.match(title) else title, meta=facts)
        if not result.text:
            raise self._nothing()
        return result

    def _lines(self, number: int, forms: bool) -> list[Line]:
        import pypdfium2

        try:
            page = self._pdf[number]
        except pypdfium2.PdfiumError:
            self._out.warn(f"page {number + 1} is damaged and was not read")
            return []
        try:
            if forms:
                page.flatten()
                page.close()
                page = self._pdf[number]
            text = page.get_textpage()
            lines = _lines_of(text)
            text.close()
            if sum(len(n.text) for n in lines) < _LEAST_TEXT and _has_picture(page):
                self._scanned.append(number)
            return lines
        except pypdfium2.PdfiumError:
            self._out.warn(f"the text of page {number + 1} could not be read")
            return []
        finally:
            page.close()

    def _has_forms(self) -> bool:
        import pypdfium2

        try:
            if self._pdf.get_formtype() == 0:
                return False
            self._pdf.init_forms()
            return True
        except pypdfium2.PdfiumError:
            return False

    def _write(
        self, lines: Sequence[Line], outline: dict[str, int], levels: dict[int, int], words: Counter[str]
    ) -> None:
        for block in blocks(lines, lambda line: _heading_level(line, outline, levels)):
            text = join_hyphens(block.text, words)
            if block.level and len(text) <= MAX_HEADING_CHARS:
                self._out.heading(text, block.level)
            else:
                self._out.add(text)

    def _outline(self) -> dict[int, dict[str, int]]:
        """Return the outline's titles by page: `{page: {title without blanks, lower case: level}}`."""
        import pypdfium2

        found: dict[int, dict[str, int]] = {}
        try:
            for place, entry in enumerate(self._pdf.get_toc(max_depth=6)):
                target = entry.get_dest()
                page = target.get_index() if target is not None else None
                if page is not None:
                    found.setdefault(page, {})[_squeezed(entry.get_title())] = entry.level + 1
                if place > 10_000:
                    break
        except (pypdfium2.PdfiumError, ValueError, UnicodeError):
            self._out.warn("the PDF's outline is damaged")
        return found

    def _recognise(self) -> dict[int, str]:
        """Return the text of scanned pages by page."""
        if not self._scanned:
            return {}
        texts: dict[int, str] = {}
        for number in self._scanned:
            if not _ocr.available() or len(texts) >= MAX_OCR_PAGES:
                self._unread.append(number)
                continue
            try:
                texts[number] = _ocr.read_picture(self._picture(number), seconds=_ocr.OCR_S / MAX_OCR_PAGES)
            except Unreadable as error:
                self._unread.append(number)
                self._out.warn(f"page {number + 1}: {error}")
        if self._unread:
            pages = ", ".join(str(n + 1) for n in self._unread[:20])
            why = f"only {MAX_OCR_PAGES} such pages are read by OCR" if _ocr.available() else _ocr.HINT
            self._out.warn(
                f"{len(self._unread)} pages hold pictures instead of text and were not read ({pages}); {why}"
            )
        return texts

    def _picture(self, number: int) -> bytes:
        page = self._pdf[number]
        width, height = page.get_size()
        scale = min(OCR_DPI / 72, (MAX_OCR_PIXELS / max(width * height, 1)) ** 0.5)
        bitmap = page.render(scale=scale, grayscale=True)
        rows = bytes(bitmap.buffer)
        if bitmap.stride != bitmap.width:
            rows = b"".join(
                rows[y * bitmap.stride : y * bitmap.stride + bitmap.width] for y in range(bitmap.height)
            )
        picture = b"P5 %d %d 255\n" % (bitmap.width, bitmap.height) + rows
        bitmap.close()
        page.close()
        return picture

    def _nothing(self) -> Unreadable:
        if self._unread and not _ocr.available():
            return Unreadable("missing_program", f"the PDF is a scan without text: {_ocr.HINT}")
        if self._scanned:
            return Unreadable("no_text", "the PDF holds pictures in which no text was recognised")
        return Unreadable("no_text", f"the PDF has {len(self._pdf)} pages and no text on them")

    def _label(self, number: int) -> str:
        return str(number + 1)

    def _facts(self) -> dict[str, str]:
        facts = {k: one_line(v) for k, v in self._pdf.get_metadata_dict(skip_empty=True).items()}
        facts = {k: v for k, v in facts.items() if v.lower() not in _PLACEHOLDERS}
        if "CreationDate" in facts:
            facts["CreationDate"] = _DATE.sub(_iso, facts["CreationDate"])
        return {"title": facts.get("Title", ""), **{v: facts[k] for k, v in _FACTS.items() if k in facts}}


def _lines_of(page: Any) -> list[Line]:
    """Return the lines of a text page in the order the page draws them, with their boxes and font sizes in points."""
    import pypdfium2.raw as raw

    text = page.get_text_range()
    aligned = len(text) == page.count_chars()
    box = raw.FS_RECTF()
    if aligned and _ARABIC.search(text):
        text = _arabic_ligatures(page, text)
    lines: list[Line] = []
    for start, end in _line_ranges(text):
        if not aligned:
            lines.append(Line(text[start:end]))
            continue
        if not raw.FPDFText_GetLooseCharBox(page, start, box):
            lines.append(Line(text[start:end]))
            continue
        left, top, bottom, size = box.left, box.top, box.bottom, box.top - box.bottom
        raw.FPDFText_GetLooseCharBox(page, end - 1, box)
        last = box.bottom if box.bottom < bottom - 0.95 * size else bottom  # not merely an index or a comma
        lines.append(Line(text[start:end], left, box.right, top, last, round(size, 1)))
    return lines


def _arabic_ligatures(page: Any, text: str) -> str:
    """Return the text with lam-alef ligatures in the order they are read.

    PDFium gives the two letters of one glyph in the order they are seen; that they share a box tells them from an
    alef and a lam that stand beside each other.
    """
    import pypdfium2.raw as raw

    boxes = raw.FS_RECTF(), raw.FS_RECTF()
    letters = list(text)
    for found in _ALEF_LAM.finditer(text):
        at = found.start()
        if (
            all(raw.FPDFText_GetLooseCharBox(page, at + n, boxes[n]) for n in (0, 1))
            and boxes[0].left == boxes[1].left
        ):
            letters[at], letters[at + 1] = letters[at + 1], letters[at]
    return "".join(letters)


def _line_ranges(text: str) -> Iterator[tuple[int, int]]:
    for found in _LINE.finditer(text):
        line = found[0]
        start = found.start() + len(line) - len(line.lstrip())
        end = found.start() + len(line.rstrip())
        if end > start:
            yield start, end


def _iso(found: re.Match[str]) -> str:
    """Return a PDF date as an ISO one (ISO 32000-1, 7.9.4)."""
    year, month, day, hour, minute, second, sign, zone_hour, zone_minute = found.groups()
    zone = "Z" if sign == "Z" else f"{sign}{zone_hour}:{zone_minute or '00'}" if sign and zone_hour else ""
    clock = f"T{hour}:{minute or '00'}:{second or '00'}{zone}" if hour else ""
    return f"{year}-{month or '01'}-{day or '01'}{clock}"


def _has_picture(page: Any) -> bool:
    import pypdfium2.raw as raw

    return next(iter(page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=4)), None) is not None


def _levels_by_size(pages: Sequence[Sequence[Line]]) -> dict[int, int]:
    """Return heading levels by font size in tenths of points: sizes clearly larger than the body's, largest first."""
    weight: Counter[int] = Counter()
    for page in pages:
        for line in page:
            if line.size:
                weight[round(line.size * 10)] += len(line.text)
    if not weight:
        return {}
    body = weight.most_common(1)[0][0]
    total = sum(weight.values())
    large = sorted((s for s, n in weight.items() if s >= body * 1.15 and n * 10 < total), reverse=True)
    levels: dict[int, int] = {}
    level, last = 0, 0.0
    for size in large:
        if not last or size < last * 0.95:
            level, last = level + 1, float(size)
        levels[size] = min(level, 4)
    return levels


def _heading_level(line: Line, outline: dict[str, int], levels: dict[int, int]) -> int:
    if outline:
        return outline.get(_squeezed(line.text), 0)
    text = line.text
    if len(text) > 150 or sum(c.isalpha() for c in text) < 3:
        return 0
    return levels.get(round(line.size * 10), 0)


def _squeezed(text: str) -> str:
    return "".join(text.split()).lower()


plugin = Pdf
