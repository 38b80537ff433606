"""The same gateway for threads: a loop of its own in a daemon thread, in which each call runs as one task."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import CancelledError as FutureCancelled
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

from groundwork.core.errors import GroundworkError, UnavailableError

if TYPE_CHECKING:
    from groundwork.gateway.gateway import Gateway
    from groundwork.gateway.types import (
        Caller,
        CallMeta,
        ChatRequest,
        Completion,
        Embeddings,
        EmbedRequest,
        Event,
        ModelInfo,
    )

T = TypeVar("T")
_AHEAD = 256
"""Events of a stream that are read before its reader has taken the first."""
_CLOSE_S = 5.0


class BlockingGateway:
    """Calls a gateway from any thread but that of an event loop it would block.

    The loop's thread starts with the first call and ends with `close`; it is a daemon, so that it holds up no exit. What is
    interrupted while it waits (KeyboardInterrupt) cancels its call.
    """

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def complete(self, request: ChatRequest, caller: Caller) -> Completion:
        """Return a whole completion. Raises GroundworkError, see `Gateway.complete`."""
        return self._run(self.gateway.complete(request, caller))

    def embed(self, request: EmbedRequest, caller: Caller) -> Embeddings:
        """Return one vector for each input. Raises GroundworkError, see `Gateway.embed`."""
        return self._run(self.gateway.embed(request, caller))

    def models(self, caller: Caller) -> list[ModelInfo]:
        """Return the models that the caller may ask for."""
        return self._run(self.gateway.models(caller))

    def count_tokens(self, request: ChatRequest, caller: Caller) -> int:
        """Return the input tokens of a request."""
        return self._run(self.gateway.count_tokens(request, caller))

    @contextmanager
    def stream(self, request: ChatRequest, caller: Caller) -> Iterator[BlockingStream]:
        """Give a stream to iterate once; leaving the block earlier cancels the call.

        Raises:
            GroundworkError: on entry, as `Gateway.open_stream`; while iterating, when the stream breaks.
        """
        stream = BlockingStream(self.gateway, request, caller)
        running = self._begin(stream.pump())
        try:
            stream.opened(running)
            yield stream
        finally:
            stream.left.set()
            running.cancel()
            stream.over.wait(_CLOSE_S)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what a coroutine returns that runs in the gateway's own loop, such as a check of its providers."""
        return self._run(work)

    def close(self) -> None:
        """Cancel what runs, settle it, and end the thread; a later call starts another."""
        with self._lock:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join(_CLOSE_S)

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        running = self._begin(work)
        try:
            return running.result()
        except FutureCancelled:
            raise _closed() from None
        except BaseException:
            running.cancel()
            raise

    def _begin(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=_serve, args=(self._loop, self.gateway), name="gateway", daemon=True
                )
                self._thread.start()
            loop = self._loop
        if threading.current_thread() is self._thread:
            work.close()
            raise RuntimeError("a blocking call from the gateway's own loop would wait for itself")
        return asyncio.run_coroutine_threadsafe(work, loop)


class BlockingStream:
    """Events of a stream as they come, read ahead by a bounded number.

    Attributes:
        meta: what is known of the call at its start. completion: all of it, set when the iteration is over.
    """

    def __init__(self, gateway: Gateway, request: ChatRequest, caller: Caller) -> None:
        self.meta: CallMeta
        self.completion: Completion | None = None
        self.left = threading.Event()
        self.over = threading.Event()
        self._gateway = gateway
        self._request = request
        self._caller = caller
        self._queue: queue.SimpleQueue[Event | BaseException | None] = queue.SimpleQueue()
        self._begun: Future[CallMeta] = Future()
        self._room: asyncio.Semaphore | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def __iter__(self) -> Iterator[Event]:
        while True:
            got = self._queue.get()
            if got is None:
                return
            if isinstance(got, BaseException):
                raise got
            if self._loop is not None and self._room is not None:
                with suppress(RuntimeError):  # the loop was closed meanwhile
                    self._loop.call_soon_threadsafe(self._room.release)
            yield got

    def opened(self, running: Future[None]) -> None:
        """Wait until the first event is there. Raises GroundworkError."""
        try:
            self.meta = self._begun.result()
        except FutureCancelled:
            raise _closed() from None
        except BaseException:
            running.cancel()
            raise

    async def pump(self) -> None:
        """Read the stream in the loop; one task reads all of it, since a provider may depend on that."""
        self._loop = asyncio.get_running_loop()
        self._room = asyncio.Semaphore(_AHEAD)
        try:
            async with await self._gateway.open_stream(self._request, self._caller) as stream:
                self._begun.set_result(stream.meta)
                async for event in stream:
                    await self._room.acquire()
                    self._queue.put(event)
                self.completion = stream.completion
            self._queue.put(None)
        except asyncio.CancelledError:
            self._tell(_closed())
            raise
        except Exception as error:
            self._tell(error)
        finally:
            self.over.set()

    def _tell(self, error: BaseException) -> None:
        if not self._begun.done():
            self._begun.set_exception(error)
        else:
            self._queue.put(error)


def _serve(loop: asyncio.AbstractEventLoop, gateway: Gateway) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        loop.run_until_complete(_ended(tasks, gateway))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


async def _ended(tasks: set[asyncio.Task[Any]], gateway: Gateway) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)
    with suppress(GroundworkError):
        await gateway.aclose(everywhere=False)


def _closed() -> UnavailableError:
    return UnavailableError("the gateway was closed while it served this call", hint="ask again")
