"""SQuAD 1.1 and 2.0: articles with paragraphs and their questions, or one flat line a question; clusters are articles.

Sources: Rajpurkar et al., SQuAD (2016), Know What You Don't Know (2018); the flat form is that of the Hugging Face hub.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from groundwork.core.errors import InvalidInputError
from groundwork.datasets.importers import Fault, Row
from groundwork.datasets.importers._source import Source


@dataclass(frozen=True)
class Squad:
    """Read a question an example: any of its answers is right; where it is impossible, declining is."""

    rank: int = 20

    def recognises(self, source: Source) -> bool:
        if source.kind == "lines":
            first = source.first
            answers = first.get("answers")
            spans = isinstance(answers, list) and all(isinstance(a, Mapping) and "text" in a for a in answers)
            columns = isinstance(answers, Mapping) and "text" in answers
            return "question" in first and (
                columns or (spans and bool(first.keys() & {"is_impossible", "context"}))
            )
        if source.kind != "document" or source.suffix in (".yaml", ".yml"):
            return False
        found = source.document
        data = found.get("data") if isinstance(found, Mapping) else None
        return isinstance(data, list) and any(isinstance(a, Mapping) and "paragraphs" in a for a in data[:5])

    def rows(self, source: Source, columns: Mapping[str, str]) -> Iterator[Row | Fault]:
        if source.kind == "lines":
            yield from _flat(source)
            return
        found = source.document
        if not isinstance(found, Mapping) or not isinstance(found.get("data"), list):
            raise InvalidInputError(f"{source.name} has no `data`", hint="it should be a file of SQuAD")
        n = 0
        for article in found["data"]:
            for paragraph in _list(article, "paragraphs"):
                for question in _list(paragraph, "qas"):
                    n += 1
                    if n % 1000 == 0:
                        source.told(n)
                    try:
                        title, context = str(article.get("title", "")), str(paragraph.get("context", ""))
                        yield Row(n, _values(question, title, context, _texts(question.get("answers"))))
                    except InvalidInputError as error:
                        yield Fault(n, error.message)


def _flat(source: Source) -> Iterator[Row | Fault]:
    for record in source.records():
        if isinstance(record, Fault):
            yield record
            continue
        line, values = record
        try:
            article = str(values.get("title") or str(values.get("doc_id") or "").partition("#")[0])
            found = _values(values, article, str(values.get("context") or ""), _texts(values.get("answers")))
        except InvalidInputError as error:
            yield Fault(line, error.message)
            continue
        if values.get("doc_id"):
            found["relevant"] = {str(values["doc_id"]): 1.0}
        yield Row(line, found)


def _values(question: Mapping[str, Any], title: str, context: str, answers: list[str]) -> dict[str, Any]:
    if not isinstance(question, Mapping) or not isinstance(question.get("question"), str):
        raise InvalidInputError("a question without its text")
    said = question.get("is_impossible")
    impossible = not answers if said is None else said is True
    if not impossible and not answers:
        raise InvalidInputError("it is said to be possible and has no answer")
    values: dict[str, Any] = {"input": question["question"].strip(), "cluster": title[:500]}
    if question.get("id"):
        values["id"] = str(question["id"])
    if impossible:
        values["impossible"] = True
    else:
        values["expected"] = answers[0] if len(answers) == 1 else answers
    if context:
        values["context"] = [context]
    return values


def _texts(answers: Any) -> list[str]:
    """Return the answers, each once, in their order."""
    if answers is None:
        return []
    if isinstance(answers, Mapping):
        answers = [{"text": t} for t in answers.get("text") or []]
    if not isinstance(answers, list) or not all(
        isinstance(a, Mapping) and isinstance(a.get("text"), str) for a in answers
    ):
        raise InvalidInputError("`answers` is a list of `{text, answer_start}`")
    return list(dict.fromkeys(a["text"] for a in answers if a["text"]))


def _list(value: Any, name: str) -> list[Any]:
    found = value.get(name) if isinstance(value, Mapping) else None
    return found if isinstance(found, list) else []


plugin = Squad
