"""Pins: small chips for the versions something was made from, in a colour that follows from the digest."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from groundwork.answers.types import Answer

HUES = 16
_HEX = re.compile(r"[0-9a-f]{8,}$")


@dataclass(frozen=True)
class Pin:
    """One chip: `what` names the kind of version, `shown` its first seven characters, `href` where it opens."""

    what: str
    version: str
    shown: str
    hue: int
    href: str = ""


def pin(what: str, version: str, href: str = "") -> Pin:
    """Return the chip of a version; `name@digest` shows the name too."""
    name, mark, digest = version.rpartition("@")
    shown = f"{name} {digest[:7]}" if mark else version[:7] if _HEX.match(version) else version
    return Pin(what, version, shown, hue_of(digest if mark else version), href)


def hue_of(version: str) -> int:
    """Return which of 16 colours a version has; the same version has the same on every page."""
    digest = version if _HEX.match(version) else hashlib.sha256(version.encode()).hexdigest()
    return int(digest[:8], 16) % HUES


def answer_pins(answer: Answer) -> Sequence[Pin]:
    """Return the chips of an answer, in a fixed order."""
    pins = answer.pins
    index = index_of(answer)
    found = [
        pin("release", pins.release, f"/releases/{pins.release}") if pins.release else None,
        pin("snapshot", pins.snapshot, f"/knowledge/{index}@{pins.snapshot[:12]}" if index else ""),
        pin("prompt", pins.prompt, prompt_href(pins.prompt)) if pins.prompt else None,
        pin("model", pins.model),
        pin("settings", pins.settings, f"/answers/{answer.id}/settings"),
    ]
    return [p for p in found if p is not None]


def prompt_href(version: str) -> str:
    """Return where a prompt version, `name@digest`, opens."""
    name, mark, digest = version.rpartition("@")
    return f"/prompts/{quote(name, safe='')}@{quote(digest[:12], safe='')}" if mark else ""


def index_of(answer: Answer) -> str:
    """Return the index an answer was made from, as its record says."""
    return str(answer.settings.get("index", ""))
