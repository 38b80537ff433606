"""Which column or key of somebody's file holds which field of an example: guessed from its name, or as it was said."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import Any

from groundwork.core.errors import InvalidInputError
from groundwork.datasets.types import Example

NAMES: dict[str, tuple[str, ...]] = {
    "input": (
        "input", "question", "query", "prompt", "user_input", "instruction", "problem", "inputs", "frage", "text",
    ),
    "expected": (
        "expected", "target", "answer", "reference", "expected_output", "ground_truth", "correct_answer", "ideal",
        "reference_answer", "golden_answer", "answers", "targets", "reference_output", "outputs", "label", "antwort",
    ),
    "id": ("id", "example_id", "query_id", "question_id", "qid", "task_id", "uid", "uuid"),
    "context": ("context", "contexts", "passage", "passages", "retrieved_contexts", "reference_contexts"),
    "relevant": ("relevant", "correct_chunks", "relevant_docs", "relevant_documents", "reference_context_ids"),
    "tools": ("tools", "expected_tools", "tool_calls"),
    "cluster": ("cluster", "group", "conversation_id", "session_id", "article", "title", "doc_id"),
    "tags": ("tags", "tag", "labels", "category", "categories", "topic", "type"),
    "split": ("split", "subset"),
    "impossible": ("impossible", "is_impossible", "unanswerable"),
    "licence": ("licence", "license"),
    "weight": ("weight",),
}  # fmt: skip
TAKEN = tuple(NAMES)
"""The fields that a column can stand for."""
_SPLITS = {
    "train": "train", "training": "train", "validation": "validation", "valid": "validation", "val": "validation",
    "dev": "validation", "test": "test", "holdout": "holdout", "heldout": "holdout", "held_out": "holdout",
}  # fmt: skip
_TRUE = frozenset({"true", "yes", "1", "y", "x", "ja", "impossible", "unanswerable"})
_FALSE = frozenset({"false", "no", "0", "n", "", "nein", "possible", "answerable"})
GUARDED = re.compile(r"'+[=+\-@\t\r]")
_FIELDS = frozenset(f.name for f in fields(Example))


def guess(names: Iterable[str], said: Mapping[str, str]) -> dict[str, str]:
    """Return which of these names holds which field: as was said, else by what it is called.

    Raises:
        InvalidInputError: a field is said that there is not, or a name that the file has not; or nothing is the input.
    """
    known = {name.strip(): name for name in names}
    plain = {_plain(name): name for name in reversed(known.values())}
    found: dict[str, str] = {}
    for field, name in said.items():
        if field not in TAKEN:
            raise InvalidInputError(f"an example has no `{field[:40]}`", hint=f"one of: {', '.join(TAKEN)}")
        if name and name not in known:
            raise InvalidInputError(
                f"the file has no `{name[:60]}` for `{field}`", hint=f"it has {_listed(known)}"
            )
        if name:
            found[field] = known[name]
    used = set(found.values())
    for field, candidates in NAMES.items():
        if field in said:
            continue
        guessed = next((plain[n] for n in candidates if n in plain and plain[n] not in used), None)
        if guessed is not None:
            found[field] = guessed
            used.add(guessed)
    if "input" not in found:
        raise InvalidInputError(
            f"no column holds the input: the file has {_listed(known)}",
            hint="say which: `--map input=COLUMN`",
        )
    return found


def values_of(record: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of a record in our own form; what no column stands for goes into the metadata.

    Raises:
        InvalidInputError: a cell has no value of its field.
    """
    values: dict[str, Any] = {}
    for field, name in columns.items():
        value = record.get(name)
        if isinstance(value, str):
            value = unguarded(value)
        if value is None or (value == "" and field != "input"):
            continue
        values[field] = _READ[field](value) if field in _READ else value
    used = set(columns.values())
    rest = {k: unguarded(v) if isinstance(v, str) else v for k, v in record.items() if k not in used}
    kept: dict[str, Any] = {k: v for k, v in rest.items() if v not in (None, "", [], {})}
    if isinstance(kept.get("metadata"), str):
        kept["metadata"] = _json(kept["metadata"], dict) or kept["metadata"]
    if isinstance(kept.get("metadata"), Mapping):
        kept |= kept.pop("metadata")
    if kept:
        values["metadata"] = kept
    return values


def unguarded(cell: str) -> str:
    """Return a cell without the quote that keeps a spreadsheet from taking it for a formula."""
    return cell[1:] if GUARDED.match(cell) else cell


def is_own(record: Mapping[str, Any]) -> bool:
    """Say whether a record is in our own form: the fields of `Example`, no others."""
    return "input" in record and set(record) <= _FIELDS


def _input(value: Any) -> Any:
    value = _quoted(value)
    if isinstance(value, _Text):
        return str(value)
    if isinstance(value, str) and value.lstrip().startswith(("[", "{")):
        found = _json(value, (list, dict))
        chat = isinstance(found, list) and found and all(isinstance(m, dict) and "role" in m for m in found)
        value = found if chat or isinstance(found, dict) else value
    if isinstance(value, list):
        return [_message(m) for m in value]
    return value if isinstance(value, str | Mapping) else str(value)


def _message(message: Any) -> Any:
    """Return a message as `{role, content}` also where it says `{speaker, text}`."""
    if isinstance(message, Mapping) and {"speaker", "text"} <= message.keys():
        speaker = str(message["speaker"])
        role = {"agent": "assistant", "bot": "assistant", "human": "user"}.get(speaker, speaker)
        return {"role": role, "content": message["text"]}
    return message


class _Text(str):
    """A text that looks like JSON and is none."""


def _quoted(value: Any) -> Any:
    """Return the text of a cell that was written as a JSON string because it looks like other JSON."""
    if isinstance(value, str) and value.startswith(('"[', '"{', '"\\"')):
        found = _json(value, str)
        return value if found is None else _Text(found)
    return value


def _expected(value: Any) -> Any:
    value = _quoted(value)
    if isinstance(value, _Text):
        return str(value)
    if isinstance(value, str) and value.lstrip().startswith(("[", "{")):
        found = _json(value, (list, dict))
        value = value if found is None else found
    if isinstance(value, list) and value and all(isinstance(v, Mapping) and "text" in v for v in value):
        texts = [v["text"] for v in value]
        return texts[0] if len(texts) == 1 else texts
    return value


def _listing(value: Any) -> list[str]:
    """Return the parts of a cell: a JSON list, or parted by `;`, `|` or else commas."""
    if isinstance(value, str):
        found = _json(value, list)
        if found is not None:
            return [str(x) for x in found]
        mark = next((m for m in ";|," if m in value), None)
        return [x.strip() for x in (value.split(mark) if mark else [value]) if x.strip()]
    return [str(x) for x in value] if isinstance(value, list | tuple) else [str(value)]


def _context(value: Any) -> Any:
    if isinstance(value, str):
        found = _json(value, list)
        return [value] if found is None else _context(found)
    if isinstance(value, list):
        return [str(x.get("text", x.get("content", ""))) if isinstance(x, Mapping) else str(x) for x in value]
    return value


def _relevant(value: Any) -> Any:
    if isinstance(value, str):
        found = _json(value, (list, dict))
        return _listing(value) if found is None else found
    return value


def _tools(value: Any) -> Any:
    if isinstance(value, str):
        found = _json(value, list)
        if found is None:
            raise InvalidInputError("`tools` is a JSON list of `{name, arguments}`")
        return found
    return value


def _split(value: Any) -> str:
    found = _SPLITS.get(str(value).strip().lower())
    if found is None:
        raise InvalidInputError(
            f"`{str(value)[:40]}` is no split",
            hint="train, validation, test or holdout; `--map split=` leaves it out",
        )
    return found


def _flag(value: Any) -> bool:
    text = str(value).strip().lower()
    if text not in _TRUE | _FALSE:
        raise InvalidInputError(
            f"`{text[:40]}` is neither yes nor no, so it says not whether an answer is impossible"
        )
    return text in _TRUE


def _weight(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InvalidInputError(f"the weight `{str(value)[:40]}` is no number") from None


def _json(text: str, kinds: type | tuple[type, ...]) -> Any:
    if text.lstrip()[:1] not in ("[", "{", '"'):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, kinds) else None


_READ: dict[str, Callable[[Any], Any]] = {
    "input": _input, "expected": _expected, "id": str, "context": _context, "relevant": _relevant, "tools": _tools,
    "tags": _listing, "split": _split, "impossible": _flag, "weight": _weight, "cluster": str, "licence": str,
}  # fmt: skip


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.strip().lower()).strip("_")


def _listed(names: Iterable[str]) -> str:
    shown = [f"`{n[:40]}`" for n in names]
    return (
        ", ".join(shown[:12]) + (f" and {len(shown) - 12} more" if len(shown) > 12 else "")
    ) or "no columns"
