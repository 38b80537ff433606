"""Books (.epub): the chapters in reading order, each read as HTML under a mark with its title."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar
from urllib.parse import unquote

from groundwork.knowledge.loaders import Unreadable
from groundwork.knowledge.loaders._decode import decode
from groundwork.knowledge.loaders._package import Package, attribute, child, local
from groundwork.knowledge.loaders._text import TextBuilder, one_line
from groundwork.knowledge.loaders.html import read_html
from groundwork.knowledge.types import Parsed

_FACTS = {
    "creator": "author",
    "date": "created",
    "subject": "subject",
    "publisher": "publisher",
    "identifier": "identifier",
}
_PAGES = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml")


class Epub:
    """Read books that are not locked; pictures and scripts are left out."""

    version: ClassVar[int] = 1
    media_types: ClassVar[Sequence[str]] = ("application/epub+zip",)

    def load(self, data: bytes, name: str) -> Parsed:
        """Read the spine in order."""
        package = Package(data)
        _refuse_locked(package)
        path = _package_document(package)
        root = package.xml(path)
        if root is None:
            raise Unreadable("broken", f"the book's `{path}` is missing")
        out = TextBuilder()
        labels = _labels(package, root, path)
        for part in _spine(root, path):
            source = package.read(part)
            if source is None:
                out.warn(f"chapter `{part}` is missing from the book")
                continue
            chapter = read_html(decode(source).text, whole=True)
            heading = next((m.label for m in chapter.marks if m.kind == "heading"), "")
            with out.mark("chapter", labels.get(part) or heading or chapter.title):
                out.embed(chapter)
        facts = _facts(root)
        return out.build(title=facts.pop("title", ""), language=facts.pop("language", ""), meta=facts)


def _refuse_locked(package: Package) -> None:
    root = package.xml("META-INF/encryption.xml")
    for entry in root.iter("{*}EncryptionMethod") if root is not None else ():
        if (
            "font" not in attribute(entry, "Algorithm").lower()
            and "obfuscation" not in attribute(entry, "Algorithm").lower()
        ):
            raise Unreadable("encrypted", "the book is locked by its publisher (DRM)")


def _package_document(package: Package) -> str:
    root = package.xml("META-INF/container.xml")
    entry = next(root.iter("{*}rootfile"), None) if root is not None else None
    path = unquote(attribute(entry, "full-path")) if entry is not None else ""
    if path.lower() in package.names:
        return path
    found = next((n for n in package.names if n.endswith(".opf")), None)
    if found is None:
        raise Unreadable("broken", "the book has no package document (.opf)")
    return found


def _manifest(root: Any, path: str) -> dict[str, tuple[str, str]]:
    folder = posixpath.dirname(path)
    items = child(root, "manifest")
    found: dict[str, tuple[str, str]] = {}
    for item in items if items is not None else ():
        if local(item) == "item":
            target = posixpath.normpath(posixpath.join(folder, unquote(item.get("href") or "").split("#")[0]))
            found[item.get("id") or ""] = (target, item.get("media-type") or "")
    return found


def _spine(root: Any, path: str) -> Iterator[str]:
    manifest, spine = _manifest(root, path), child(root, "spine")
    for entry in spine if spine is not None else ():
        target, kind = manifest.get(entry.get("idref") or "", ("", ""))
        if target and (kind in _PAGES or not kind):
            yield target


def _labels(package: Package, root: Any, path: str) -> dict[str, str]:
    """Return chapter titles by part from the book's table of contents (EPUB 3 navigation, or EPUB 2 NCX)."""
    labels: dict[str, str] = {}
    for target, kind in _manifest(root, path).values():
        if kind == "application/x-dtbncx+xml":
            tree = package.xml(target)
            for point in tree.iter("{*}navPoint") if tree is not None else ():
                content, text = child(point, "content"), child(point, "navLabel", "text")
                if content is not None and text is not None:
                    _label(labels, target, attribute(content, "src"), text.text or "")
    return labels


def _label(labels: dict[str, str], base: str, reference: str, text: str) -> None:
    part = posixpath.normpath(posixpath.join(posixpath.dirname(base), unquote(reference).split("#")[0]))
    labels.setdefault(part, one_line(text))


def _facts(root: Any) -> dict[str, str]:
    metadata = child(root, "metadata")
    facts: dict[str, str] = {}
    for entry in metadata if metadata is not None else ():
        name = local(entry)
        key = name if name in ("title", "language") else _FACTS.get(name)
        if key and entry.text:
            facts.setdefault(key, entry.text)
    return facts


plugin = Epub
