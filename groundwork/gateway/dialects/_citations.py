"""Citations of an app's answer in the form of each dialect.

An app gives each as `{type: "citation", marker, document, document_id, chunk_id, start, end, quote, page, heading}`, where
`marker` is the number that stands in the text as `[1]`, and `start` and `end` are the quote's place in the stored text of
the document. No dialect can hold all of it: each gets its own nearest form, and OpenAI's two the whole citation beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Annotation = Mapping[str, Any]


def citations(annotations: Iterable[Annotation]) -> list[dict[str, Any]]:
    """Return the citations as the app gave them, for the field `citations` that is Groundwork's own."""
    return [{k: v for k, v in a.items() if k != "type"} for a in annotations if a.get("type") == "citation"]


def about(annotations: Iterable[Annotation]) -> dict[str, Any]:
    """Return `{"groundwork": {answer_id, abstained, …}}` of an app's answer, else nothing; ours, in every dialect."""
    for annotation in annotations:
        if annotation.get("type") == "answer":
            return {"groundwork": {k: v for k, v in annotation.items() if k != "type"}}
    return {}


def url_citations(annotations: Iterable[Annotation], text: str) -> list[dict[str, Any]]:
    """Return `message.annotations` of a chat completion; the indexes are those of the marker in `text`."""
    found = []
    for annotation in annotations:
        if annotation.get("type") == "url_citation":  # of a provider, already in this form
            found.append(dict(annotation))
        elif annotation.get("type") == "citation":
            start, end = _marker(annotation, text)
            url = {
                "url": _url(annotation),
                "title": _title(annotation),
                "start_index": start,
                "end_index": end,
            }
            found.append({"type": "url_citation", "url_citation": url})
    return found


def file_citation(annotation: Annotation, text: str) -> dict[str, Any] | None:
    """Return an annotation of a text of the Responses API, None where it has no form there."""
    if annotation.get("type") != "citation":
        return None
    head = {
        "type": "file_citation",
        "file_id": str(annotation.get("document_id", "")),
        "filename": _title(annotation),
        "index": _marker(annotation, text)[0],
    }
    return {**head, **{k: v for k, v in annotation.items() if k not in head}}


class Documents:
    """Numbers the cited documents from 0 in the order in which they appear."""

    def __init__(self) -> None:
        self._index: dict[str, int] = {}

    def char_location(self, annotation: Annotation) -> dict[str, Any] | None:
        """Return a citation of an Anthropic text block, None where it has no form there."""
        if annotation.get("type") != "citation":
            return dict(annotation) if annotation.get("type") in _ANTHROPIC else None
        document = str(annotation.get("document_id", ""))
        return {
            "type": "char_location",
            "cited_text": str(annotation.get("quote", "")),
            "document_index": self._index.setdefault(document, len(self._index)),
            "document_title": _title(annotation),
            "start_char_index": int(annotation.get("start") or 0),
            "end_char_index": int(annotation.get("end") or 0),
            "file_id": None,
        }


_ANTHROPIC = frozenset(
    {
        "char_location",
        "page_location",
        "content_block_location",
        "web_search_result_location",
        "search_result_location",
    }
)


def _marker(annotation: Annotation, text: str) -> tuple[int, int]:
    mark = f"[{annotation.get('marker', '')}]"
    at = text.find(mark)
    return (at, at + len(mark)) if at >= 0 else (0, 0)


def _title(annotation: Annotation) -> str:
    return str(annotation.get("document") or annotation.get("document_id") or "")


def _url(annotation: Annotation) -> str:
    place = f"chunk={annotation.get('chunk_id', '')}&start={annotation.get('start', 0)}&end={annotation.get('end', 0)}"
    return str(annotation.get("url") or f"groundwork:{annotation.get('document_id', '')}?{place}")
