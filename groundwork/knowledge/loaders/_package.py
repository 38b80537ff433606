"""Zip packages of XML (OOXML, ODF, EPUB), opened with suspicion: sizes checked before and while inflating, no entities."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from groundwork.knowledge.loaders import Unreadable

MIB = 1 << 20
MAX_MEMBERS = 20_000
MAX_TOTAL = 384 * MIB
"""Declared bytes of all members together."""
MAX_MEMBER = 192 * MIB
MAX_TREE = 40 * MIB
"""Bytes of one XML member that is read as a whole tree; a tree takes about eight times as much memory."""
MAX_RATIO = 250
"""Inflated to deflated bytes of a member over 8 MiB; text of people stays below 30, deflate ends near 1,030."""
_ENTITY = re.compile(rb"<!ENTITY", re.IGNORECASE)


class Package:
    """A zip file whose members are read under limits.

    Raises:
        Unreadable: `broken`, `encrypted`, or `hostile` for a zip bomb.
    """

    def __init__(self, data: bytes) -> None:
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
            members = self._zip.infolist()
        except (
            zipfile.BadZipFile,
            zipfile.LargeZipFile,
            ValueError,
            OSError,
            NotImplementedError,
            IndexError,
        ) as error:
            raise Unreadable("broken", f"the zip package is damaged: {error}") from error
        if len(members) > MAX_MEMBERS:
            raise Unreadable(
                "hostile", f"the package has {len(members):,} members; the limit is {MAX_MEMBERS:,}"
            )
        total = sum(m.file_size for m in members)
        if total > MAX_TOTAL:
            raise Unreadable(
                "hostile", f"the package inflates to {total:,} bytes; the limit is {MAX_TOTAL:,}"
            )
        for member in members:
            if member.file_size > 8 * MIB and member.file_size > MAX_RATIO * max(member.compress_size, 1):
                raise Unreadable(
                    "hostile", f"`{member.filename[:100]}` inflates to {member.file_size:,} bytes: a zip bomb"
                )
        self._members = {m.filename.replace("\\", "/").lstrip("/").lower(): m for m in members}

    @property
    def names(self) -> list[str]:
        """The members' names, lower case, in the order of the directory."""
        return list(self._members)

    def read(self, name: str, limit: int = MAX_MEMBER) -> bytes | None:
        """Return a member's bytes, or None when there is no such member; names are compared without case.

        Raises:
            Unreadable: `broken`, `encrypted` or `too_large`.
        """
        member = self._members.get(name.lstrip("/").lower())
        if member is None:
            return None
        if member.flag_bits & 1:
            raise Unreadable("encrypted", "the package's members are encrypted")
        if member.file_size > limit:
            raise Unreadable(
                "too_large", f"`{name[:100]}` has {member.file_size:,} bytes; the limit is {limit:,}"
            )
        try:
            with self._zip.open(member) as stream:
                data = stream.read(limit + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError) as error:
            raise Unreadable("broken", f"`{name[:100]}` in the package is damaged: {error}") from error
        if len(data) > limit:
            raise Unreadable("too_large", f"`{name[:100]}` has more than {limit:,} bytes")
        return data

    def xml(self, name: str) -> Any:
        """Return the root element of an XML member, or None when there is no such member or it is empty.

        Raises:
            Unreadable: what `read` raises; `hostile` for entities; `broken` for what is no XML.
        """
        data = self.read(name, MAX_TREE)
        return parse_xml(data, name) if data else None

    def stream(self, name: str, *tags: str) -> Iterator[Any]:
        """Yield the elements of an XML member with one of these local names, each forgotten when the next is asked for.

        Raises:
            Unreadable: as `xml`.
        """
        data = self.read(name)
        if not data:
            return
        refuse_entities(data, name)
        from lxml import etree

        events = etree.iterparse(
            io.BytesIO(data),
            events=("end",),
            tag=[f"{{*}}{t}" for t in tags],
            resolve_entities=False,
            no_network=True,
            huge_tree=False,
            recover=True,
        )
        try:
            for _, element in events:
                yield element
                element.clear()
                while element.getprevious() is not None:
                    del element.getparent()[0]
        except etree.XMLSyntaxError as error:
            raise Unreadable("broken", f"`{name}` is no proper XML: {error}") from error

    def relations(self, part: str) -> dict[str, tuple[str, str]]:
        """Return `{id: (kind, target part)}` of an OOXML part without external ones; a kind is its address's last word."""
        folder, base = posixpath.split(part)
        root = self.xml(posixpath.join(folder, "_rels", base + ".rels"))
        found: dict[str, tuple[str, str]] = {}
        for relation in root if root is not None else ():
            if not isinstance(relation.tag, str) or relation.get("TargetMode") == "External":
                continue
            target = unquote(relation.get("Target") or "").replace("\\", "/")
            path = (
                target.lstrip("/")
                if target.startswith("/")
                else posixpath.normpath(posixpath.join(folder, target))
            )
            found[relation.get("Id") or ""] = ((relation.get("Type") or "").rsplit("/", 1)[-1], path)
        return found


def parse_xml(data: bytes, name: str = "XML") -> Any:
    """Return the root element of XML bytes; damaged XML is repaired where that leaves something.

    Raises:
        Unreadable: `hostile` for declared entities or extreme nesting, `broken` when nothing is left.
    """
    from lxml import etree

    refuse_entities(data, name)
    settings = {
        "resolve_entities": False,
        "no_network": True,
        "huge_tree": False,
        "load_dtd": False,
        "remove_comments": True,
    }
    try:
        return etree.fromstring(data, etree.XMLParser(**settings))
    except etree.XMLSyntaxError as error:
        if "depth" in str(error).lower():
            raise Unreadable("hostile", f"`{name}` is nested too deeply") from error
        root = etree.fromstring(data, etree.XMLParser(recover=True, **settings))
        if root is None:
            raise Unreadable("broken", f"`{name}` is no proper XML: {error}") from error
        return root
    except ValueError as error:
        raise Unreadable("broken", f"`{name}` is no proper XML: {error}") from error


def refuse_entities(data: bytes, name: str) -> None:
    """Raise `Unreadable` (`hostile`) when XML bytes declare entities, in any usual encoding."""
    if (
        _ENTITY.search(data)
        or "<!ENTITY".encode("utf-16-le") in data
        or "<!ENTITY".encode("utf-16-be") in data
    ):
        raise Unreadable("hostile", f"`{name[:100]}` declares XML entities, which documents of people do not")


def local(element: Any) -> str:
    """Return an element's name without its namespace; an empty string for comments and instructions."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def attribute(element: Any, name: str, default: str = "") -> str:
    """Return an attribute by local name, whatever its namespace."""
    value = element.get(name)
    if value is None:
        value = next((v for k, v in element.attrib.items() if k.rpartition("}")[2] == name), default)
    return str(value)


def child(element: Any, *path: str) -> Any:
    """Return the first descendant along a path of local names, or None."""
    for name in path:
        if element is None:
            return None
        element = next((c for c in element if local(c) == name), None)
    return element


def core_facts(package: Package) -> dict[str, str]:
    """Return what an OOXML package declares of itself: title, author, subject, created, language."""
    names = {
        "title": "title",
        "creator": "author",
        "subject": "subject",
        "created": "created",
        "language": "language",
        "keywords": "tags",
    }
    try:
        root = package.xml("docProps/core.xml")
    except Unreadable:
        return {}
    facts = {names[local(e)]: e.text or "" for e in (root if root is not None else ()) if local(e) in names}
    return {k: v for k, v in facts.items() if v.strip()}
