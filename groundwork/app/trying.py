"""Requests that take part in a canary or shadow: the asker gets their arm's answer, the other release answers afterwards.

What happens afterwards does so on threads of its own behind a bounded queue. A request that finds the queue full is recorded
as one without a pair; nobody waits for it.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import literal, select

from groundwork.core.errors import GroundworkError
from groundwork.core.ids import new_id
from groundwork.core.principal import Principal
from groundwork.gateway.types import Caller
from groundwork.releases import scoring
from groundwork.releases.trials import Scored
from groundwork.releases.types import Release, Served

if TYPE_CHECKING:
    from groundwork.answers.types import Answer
    from groundwork.app.answering import Question
    from groundwork.app.workspace import Workspace
    from groundwork.core.improvement import CanarySpec
    from groundwork.evaluation.scorers import Scorer

log = logging.getLogger("groundwork.releases")
AT_ONCE = 2
"""Answers that are made unseen at a time in one process."""
MOST_WAITING = 256
"""Requests that may wait for their unseen answer."""
CLOSING_S = 20.0
"""How long closing a workspace waits for what is under way."""


@dataclass(frozen=True)
class _Request:
    """What is left to do of a request: the other answer, both scores, one row."""

    question: Question
    app: str
    served: Served
    answer: Answer | None
    error: str = ""


class Trying:
    """Answers requests of trials; safe to use from several threads. Threads are made with the first request."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._pool: ThreadPoolExecutor | None = None
        self._waiting = 0
        self._overflow: deque[_Request] = deque(maxlen=10_000)
        self._scorers: dict[str, Scorer] = {}

    def answered(self, question: Question, app: str, identifier: str, served: Served) -> Answer:
        """Return the answer of the release that serves, and leave the rest to a thread."""
        from groundwork.app.answering import one

        try:
            answer = one(self._workspace, question, app, served, identifier)
        except Exception as error:
            if scoring.counts(error):
                code = error.code if isinstance(error, GroundworkError) else "internal"
                self._later(_Request(question, app, served, None, code))
            raise
        self._later(_Request(question, app, served, answer))
        return answer

    def wait(self, seconds: float = CLOSING_S) -> bool:
        """Wait until nothing is under way; return whether that came in time."""
        with self._idle:
            return self._idle.wait_for(lambda: not self._waiting, seconds)

    def close(self) -> None:
        """Wait for what is under way, for a while; what is left then is not recorded."""
        done = self.wait()
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=done, cancel_futures=True)
        if not done:
            log.warning("requests of a canary were left without their pair, since the process ended")
        self._flush()

    def _later(self, request: _Request) -> None:
        with self._lock:
            if self._waiting >= MOST_WAITING:
                self._overflow.append(request)
                return
            if self._pool is None:
                self._pool = ThreadPoolExecutor(AT_ONCE, "canary")
            self._waiting += 1
            self._pool.submit(self._finish, request)

    def _finish(self, request: _Request) -> None:
        try:
            self._flush()
            self._record(request, self._other(request))
        except Exception:
            log.exception("a request of the trial %s was not recorded", request.served.deployment)
        finally:
            with self._idle:
                self._waiting -= 1
                self._idle.notify_all()

    def _flush(self) -> None:
        """Write down the requests that found the queue full."""
        while True:
            with self._lock:
                if not self._overflow:
                    return
                request = self._overflow.popleft()
            try:
                self._record(request, None)
            except Exception:
                log.exception("a request of the trial %s was not recorded", request.served.deployment)
                return

    def _other(self, request: _Request) -> Answer | str | None:
        """Return what the other release answers, the code of its error, or None where there is no other."""
        release = request.served.mirror
        if release is None or not self._runs(request):
            return None
        try:
            return self._unseen(request, release)
        except GroundworkError as error:
            return error.code if scoring.counts(error) or request.answer is not None else None
        except Exception:
            log.exception("the release %s failed unseen", release.ref)
            return "internal"

    def _runs(self, request: _Request) -> bool:
        """Say whether the trial still runs: an unseen answer after its end would be paid for nothing."""
        asking = Principal(request.question.principal.tenant)
        found = self._workspace.releases.promotions.deployment(asking, request.served.deployment)
        return found.state == "active"

    def _unseen(self, request: _Request, release: Release) -> Answer:
        question, seen = request.question, request.answer
        asker = question.principal
        name = f"trial:{request.served.deployment}"
        principal = replace(asker, name=name)
        caller = Caller(
            tenant=asker.tenant,
            principal=name,
            access=asker.readable(),
            app=request.app,
            trace_id=new_id("trc"),
        )
        from groundwork.releases.serving import pinned

        workspace = self._workspace
        # A turn of a conversation is asked as it was understood there: both releases answer the same question.
        text = question.text if seen is None else seen.standalone or seen.question
        answer = workspace.rooms.pipeline.ask(
            principal,
            text,
            request.app,
            workspace.releases.book.spec_of(release),
            caller=caller,
            history=question.history if seen is None else (),
            pinned=pinned(release),
        )
        if seen is not None and (question.conversation or question.history):
            self._share_documents(asker.tenant, seen.id, answer.id)
        return answer

    def _share_documents(self, tenant: str, seen: str, unseen: str) -> None:
        """Let an erasure find the unseen answer by the documents behind the turns before: its question may quote them."""
        from groundwork.storage import tables as t
        from groundwork.storage.database import insert_or_ignore

        d = t.answer_documents.c
        query = select(literal(unseen).label("answer_id"), d.tenant, d.document_id).where(
            d.tenant == tenant, d.answer_id == seen
        )
        with self._workspace.rooms.database.write() as connection:
            rows = [dict(row._mapping) for row in connection.execute(query)]
            insert_or_ignore(connection, t.answer_documents, rows)

    def _record(self, request: _Request, other: Answer | str | None) -> None:
        served = request.served
        room = self._workspace.releases
        spec = room.trial_spec(served.deployment, request.question.principal)
        scorer = self._scorer(spec)
        mine = self._scored(scorer, request, request.answer or request.error)
        theirs = self._scored(scorer, request, other)
        baseline, candidate = (theirs, mine) if served.arm == "candidate" else (mine, theirs)
        tenant = request.question.principal.tenant
        decision = room.trials.record(tenant, served.deployment, served.unit, served.arm, baseline, candidate)
        if decision == "harm":
            log.warning("the canary %s did harm and was taken back", served.deployment)
        elif decision == "benefit" and spec.promote:
            self._promote(served.deployment, request)

    def _promote(self, identifier: str, request: _Request) -> None:
        """Promote a candidate that was shown to be better, on behalf of whoever began the canary."""
        room = self._workspace.releases
        asking = Principal(request.question.principal.tenant)
        trial = room.promotions.deployment(asking, identifier)
        begun_by = replace(asking, name=trial.created_by, role=str(trial.record.get("role", "")), owner=True)
        try:
            found = room.trials.promote(
                begun_by, trial.app, trial.environment, f"canary {identifier}: shown to be better"
            )
        except GroundworkError as error:
            log.warning("the canary %s was not promoted: %s", identifier, error.message)
            return
        for check in found.missing:
            log.warning("the canary %s was not promoted: %s", identifier, check.message)

    def _scored(self, scorer: Scorer, request: _Request, what: Answer | str | None) -> Scored:
        if what is None:
            return Scored()
        if isinstance(what, str):
            return scoring.failed(scorer, what)
        services = self._workspace.evaluation.services
        return scoring.scored(scorer, services, what.standalone or what.question, what)

    def _scorer(self, spec: CanarySpec) -> Scorer:
        key = repr(spec.scorer)
        with self._lock:
            if key not in self._scorers:
                self._scorers[key] = scoring.scorer_of(spec.scorer)
            return self._scorers[key]
