"""Releases: what an app answers with, pinned and signed. One whose signature or digest does not hold counts for nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import func

from groundwork.evidence.records import Kind, described, flag, number, text, time, words
from groundwork.evidence.sql import before, json_text, json_words
from groundwork.storage import improvement_tables as t

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

r = t.releases.c
_retrieval = func.coalesce(
    json_text(r.manifest, "recipe", "strategy"), json_text(r.manifest, "recipe", "strategy", "name")
)


class Releases(Kind):
    """One release; its signature is looked at before anything rests on it."""

    title = "releases"
    room = "releases"
    made_by = "groundwork release create"
    table = t.releases
    id = r.id
    at = r.created_at
    fields = described(
        id=text(r.id, "its id"),
        digest=text(r.digest, "what names it"),
        app=text(r.app, "whose it is"),
        number=number(r.number, "from 1 within its app"),
        index=text(json_text(r.manifest, "index"), "name of the index; null: none"),
        snapshot=text(json_text(r.manifest, "snapshot"), "digest of the documents"),
        prompt=text(json_text(r.manifest, "prompt"), "`name@digest`; empty: it needs none"),
        prompt_name=text(before(json_text(r.manifest, "prompt"), "@"), "name of the prompt"),
        settings=text(json_text(r.manifest, "settings"), "digest of the recipe"),
        retrieval=text(_retrieval, "name of the retrieval strategy"),
        models=words(json_words(r.manifest, "models"), "names of what it asks"),
        policies=words(json_words(r.manifest, "policies"), "names of the guardrail policies it pins"),
        evaluation=text(
            json_text(r.manifest, "evaluation"),
            "what was measured of it when it was made; empty: nothing",
        ),
        verdict=text(json_text(r.manifest, "verdict"), "the verdict there was then"),
        dataset=text(json_text(r.manifest, "dataset"), "`name@digest` it was measured on"),
        calibration=text(json_text(r.manifest, "calibration"), "behind its threshold; empty: none"),
        redacted=flag(r.redacted, "its snapshot lost a document"),
        by=text(r.created_by, "who made it; `key:…`: a program with a key"),
        at=time(r.created_at, "when it was made"),
    )
    named = ("app",)
    page = "/releases/{id}"
    checks = True

    def damaged(self, row: Mapping[str, Any], key: Ed25519PublicKey | None) -> str:
        from groundwork.core.digest import digest_json
        from groundwork.core.errors import InvalidInputError
        from groundwork.releases.signing import verify
        from groundwork.releases.types import Manifest

        try:
            manifest = Manifest(**row["c_manifest"])
        except TypeError:
            return "its manifest is none"
        if digest_json(manifest.pins()) != row["c_digest"]:
            return "its manifest is not the one that its digest names"
        if key is None:
            return ""
        try:
            found = verify(row["c_envelope"], key)
        except InvalidInputError as error:
            return error.message
        if found.problems:
            return found.problems[0]
        return "" if found.digest == row["c_digest"] else "what was signed is another release"


plugin = Releases
