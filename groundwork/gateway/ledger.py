"""The ledger: every call is admitted before it is made and settled after, and neither is told before it is stored."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from groundwork.core.clock import Clock
from groundwork.core.errors import GroundworkError, InternalError
from groundwork.gateway import ledger_admission as admission_of
from groundwork.gateway import ledger_settlement as settlement_of
from groundwork.gateway.keys import refuse_shape
from groundwork.gateway.ledger_cache import purge
from groundwork.gateway.ledger_recovery import AT_ONCE, recover
from groundwork.gateway.records import Admission, Admitted, AttemptStart, Settlement
from groundwork.gateway.types import Caller
from groundwork.storage.database import Database
from groundwork.storage.group import GroupCommit, Operation, Sync
from groundwork.storage.machine import this_process
from groundwork.storage.prepared import Cursor

FEW = 2
"""Calls in flight up to which each is stored at once; more are stored together, at the end of the event loop's step."""
UPKEEP_SECONDS = 30.0
PURGE_SECONDS = 600.0
TOUCH_SECONDS = 60.0
REFUSALS_PER_MINUTE = 60
MOST_UNSETTLED = 4096
log = logging.getLogger("groundwork.gateway")


@dataclass(slots=True)
class _Flight:
    """A call this process serves: the documents in its prompt, the event loop it is served on, its attempts so far."""

    documents: tuple[str, ...]
    loop: asyncio.AbstractEventLoop
    attempts: int = 1


_in_flight: dict[str, _Flight] = {}
"""One table for all ledgers of the process, since recovery must not take another ledger's calls for lost."""


def _is_served(call_id: str) -> bool:
    flight = _in_flight.get(call_id)
    return flight is not None and not flight.loop.is_closed()


class DatabaseLedger:
    """`records.Ledger` in the workspace's database. Nothing is started before the first call.

    Args:
        sync: what is settled survives a killed process; a loss of power at once (`full`) or after a second (`normal`). What
            lets a call in waits for no disk: a loss of power takes the call in flight along with its row.
    """

    def __init__(self, database: Database, clock: Clock, sync: Sync = "full") -> None:
        self._clock = clock
        self._group = GroupCommit(database, sync, exclusive="gateway ledger")
        self._refusals = _Refusals()
        self._touched: dict[str, float] = {}
        self._unsettled: OrderedDict[str, Settlement] = OrderedDict()
        self._lock = threading.Lock()
        self._upkeep: threading.Thread | None = None
        self._ended = threading.Event()
        self._process = ("", 0)

    @property
    def waiting(self) -> int:
        """Operations that wait for the database now."""
        return self._group.waiting

    @property
    def counts(self) -> Mapping[str, int]:
        """What has no row of its own: `unknown_keys` and `refusals` beyond those written, `busy`, `unsettled`."""
        return {
            "unknown_keys": self._refusals.unknown,
            "refusals": self._refusals.unwritten,
            "busy": self._group.refused,
            "unsettled": len(self._unsettled),
        }

    async def admit(self, admission: Admission) -> Admitted:
        """Let a call in, or refuse it; see `records.Ledger`.

        A refusal gets a row too, up to 60 a minute for each key and reason; callers nobody knows get none, since anyone
        may make as many of them as they like. The rest is counted in `counts`.
        """
        caller = admission.caller
        if caller.key is not None:
            self._refusals.shape(refuse_shape, caller.key)
        self._start()
        _in_flight[admission.call_id] = _Flight(caller.documents, asyncio.get_running_loop())

        def operation(cursor: Cursor) -> Admitted | admission_of.Refused:
            try:
                return admission_of.admit(
                    cursor, admission, self._clock.now(), self._me(), self._refusals.may_record
                )
            except GroundworkError:
                self._refusals.unknown += 1
                raise

        outcome = await self._admitted(admission, operation)
        if isinstance(outcome, admission_of.Refused):
            _in_flight.pop(admission.call_id, None)
            raise outcome.error
        if outcome.cached is not None:
            _in_flight.pop(admission.call_id, None)
        return outcome

    async def _admitted(
        self, admission: Admission, operation: Operation[Admitted | admission_of.Refused]
    ) -> Admitted | admission_of.Refused:
        at_once = self._group.now(operation, durable=False) if len(_in_flight) <= FEW else None
        if at_once is not None:
            outcome, refusal = at_once
            if outcome is None:
                _in_flight.pop(admission.call_id, None)
                raise refusal if refusal is not None else InternalError("an admission came to nothing")
            return outcome

        def told(outcome: Any, error: BaseException | None) -> None:
            if future.cancelled():
                self._abandon(admission, outcome)
            elif error is not None:
                _in_flight.pop(admission.call_id, None)

        try:
            future = self._group.begin(operation, durable=False, told=told)
        except GroundworkError:
            _in_flight.pop(admission.call_id, None)
            raise
        try:
            return await future
        except asyncio.CancelledError:
            # Where the future is cancelled, `told` hears what came of the operation.
            if not future.cancelled() and future.exception() is None:
                self._abandon(admission, future.result())
            raise

    async def refuse(self, admission: Admission, error: GroundworkError) -> Caller:
        """Record a call that is refused before it could be admitted, as for an unknown model, and return who called.

        Args:
            admission: as far as it is known; nothing is held, and the attempt is not looked at.

        Raises:
            UnauthenticatedError: the key is not valid, which is then what the caller is to be told.
        """
        if admission.caller.key is not None:
            self._refusals.shape(refuse_shape, admission.caller.key)
        self._start()
        record = self._refusals.may_record
        return await self._group.run(
            lambda cursor: admission_of.refuse(
                cursor, admission, error, self._clock.now(), self._me(), record
            ),
            durable=False,
        )

    async def attempt(self, call_id: str, start: AttemptStart, *, more_nanousd: int = 0) -> None:
        """Record a further attempt; see `records.Ledger`."""
        flight = _in_flight.get(call_id)
        if flight is not None:
            flight.attempts += 1
        await self._group.run(
            lambda cursor: admission_of.attempt(cursor, call_id, start, more_nanousd, self._clock.now()),
            durable=False,
        )

    async def settle(self, settlement: Settlement) -> None:
        """Settle a call; doing so twice changes nothing. It is carried out also when the waiting task is cancelled.

        When the store refuses it the call stays open; the next upkeep settles it as lost, at its true cost where that is
        still known here, else at what was held for it.
        """
        self._start()
        if not self._settled_at_once(settlement):
            await self._begin_settling(settlement)

    def recover(self) -> int:
        """Settle the calls of dead processes now and return how many they were; the upkeep does so every 30 seconds."""
        found = 0
        while True:
            some = self._group.submit(self._recover).result()
            found += some
            if some < AT_ONCE:
                return found

    def keep_up(self) -> None:
        """Make good what the store refused, and recover; the upkeep does so every 30 seconds.

        Raises:
            StorageFullError, UnavailableError, BusyError: the store still refuses.
        """
        self._settle_unsettled()
        self.recover()

    def close(self) -> None:
        """Store what waits and end the threads; the object may be used again."""
        self._ended.set()
        with self._lock:
            upkeep, self._upkeep = self._upkeep, None
        if upkeep is not None and upkeep is not threading.current_thread():
            upkeep.join()
        with suppress(GroundworkError):  # else they are charged what was held for them, by whoever comes next
            self._settle_unsettled()
        self._group.close()

    def _settled_at_once(self, settlement: Settlement) -> bool:
        if len(_in_flight) > FEW:
            return False
        at_once = self._group.now(self._settling(settlement))
        if at_once is None or at_once[1] is not None:
            return False
        _in_flight.pop(settlement.call_id, None)
        return True

    def _begin_settling(self, settlement: Settlement) -> asyncio.Future[str | None]:
        def told(_: Any, error: BaseException | None) -> None:
            if isinstance(error, GroundworkError) and error.retryable:
                self._keep_unsettled(settlement)
            else:
                _in_flight.pop(settlement.call_id, None)

        try:
            return self._group.begin(self._settling(settlement), told=told)
        except GroundworkError:
            self._keep_unsettled(settlement)
            raise

    def _settling(self, settlement: Settlement) -> Callable[[Cursor], str | None]:
        flight = _in_flight.get(settlement.call_id)
        documents = flight.documents if flight is not None else ()
        # Without a look: each attempt that was begun here is told of.
        complete = flight is not None and len(settlement.attempts) == flight.attempts

        def operation(cursor: Cursor) -> str | None:
            return settlement_of.settle(
                cursor,
                settlement,
                self._clock.now(),
                documents=documents,
                touch_key=self._touch,
                complete=complete,
            )

        return operation

    def _touch(self, key_id: str) -> bool:
        """Say whether it is time to note again that a key was used."""
        now = time.monotonic()
        if now - self._touched.get(key_id, -TOUCH_SECONDS) < TOUCH_SECONDS:
            return False
        if len(self._touched) > 10_000:
            self._touched.clear()
        self._touched[key_id] = now
        return True

    def _abandon(self, admission: Admission, outcome: Any) -> None:
        """Settle a call whose caller left while it was let in: nobody was asked, so it costs nothing."""
        if not isinstance(outcome, Admitted) or outcome.cached is not None:
            _in_flight.pop(admission.call_id, None)
            return
        with suppress(GroundworkError):  # kept for the upkeep
            future = self._begin_settling(
                Settlement(
                    admission.call_id,
                    "cancelled",
                    provider=admission.attempt.provider,
                    model=admission.attempt.model,
                    error="cancelled",
                )
            )
            future.add_done_callback(_heard)

    def _keep_unsettled(self, settlement: Settlement) -> None:
        """Remember what a call truly cost while the store refuses it; too many of them are charged what was held."""
        with self._lock:
            if len(self._unsettled) >= MOST_UNSETTLED:
                _in_flight.pop(settlement.call_id, None)
                return
            self._unsettled[settlement.call_id] = replace(
                settlement, state="lost", error=settlement.error or "not_stored", cache=None, cache_key=""
            )

    def _start(self) -> None:
        if self._upkeep is not None:
            return
        with self._lock:
            if self._upkeep is None:
                self._ended.clear()
                self._upkeep = threading.Thread(target=self._serve_upkeep, name="ledger upkeep", daemon=True)
                # Before the first admission: reservations of a process that died must not refuse it.
                first: Future[int] = self._group.submit(self._recover)
                first.add_done_callback(_noted)
                self._upkeep.start()

    def _serve_upkeep(self) -> None:
        purged = time.monotonic()
        while not self._ended.wait(UPKEEP_SECONDS):
            try:
                self.keep_up()
                if time.monotonic() - purged > PURGE_SECONDS:
                    purged = time.monotonic()
                    self._group.submit(lambda cursor: purge(cursor, self._clock.now())).result()
            except GroundworkError as error:
                log.warning("the upkeep of the ledger waits: %s", error.message)
            except Exception:
                log.exception("the upkeep of the ledger failed")

    def _settle_unsettled(self) -> None:
        while True:
            with self._lock:
                if not self._unsettled:
                    return
                call_id, settlement = next(iter(self._unsettled.items()))
            self._group.submit(self._settling(settlement)).result()
            with self._lock:
                self._unsettled.pop(call_id, None)
            _in_flight.pop(call_id, None)

    def _recover(self, cursor: Cursor) -> int:
        return recover(cursor, self._clock.now(), self._me(), _is_served)

    def _me(self) -> str:
        """Return this process as JSON, as it stands in the rows of its calls."""
        text, pid = self._process
        if pid != os.getpid():
            text = json.dumps(this_process(), sort_keys=True, separators=(",", ":"))
            self._process = (text, os.getpid())
        return text


class _Refusals:
    """Which refusals get a row: a flood of them must not fill the disk."""

    def __init__(self) -> None:
        self.unknown = 0
        self.unwritten = 0
        self._minute = 0
        self._written: dict[tuple[str, str], int] = {}

    def shape(self, check: Callable[[str], None], key: str) -> None:
        """Check a key's shape and count a wrong one."""
        try:
            check(key)
        except GroundworkError:
            self.unknown += 1
            raise

    def may_record(self, key_id: str, code: str) -> bool:
        """Say whether this refusal gets a row."""
        minute = int(time.monotonic() // 60)
        if minute != self._minute:
            self._minute = minute
            self._written.clear()
        count = self._written.get((key_id, code), 0)
        if count >= REFUSALS_PER_MINUTE:
            self.unwritten += 1
            return False
        self._written[key_id, code] = count + 1
        return True


def _noted(done: Future[int]) -> None:
    error = done.exception()
    if error is not None:
        log.warning("calls of processes that ended could not be looked for yet: %s", error)
    elif done.result():
        log.warning("%d calls of a process that ended were settled at what was held for them", done.result())


def _heard(done: asyncio.Future[Any]) -> None:
    """Take note of an error that nobody waits for; the ledger has kept what it is about."""
    if not done.cancelled():
        done.exception()
