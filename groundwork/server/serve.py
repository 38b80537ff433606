"""Run the server of a workspace: bind, lock, serve, and go down in order."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from groundwork.core.errors import BusyError, InvalidInputError
from groundwork.server.lock import ServerLock

if TYPE_CHECKING:
    from fastapi import FastAPI

DRAIN_SECONDS = 0.25
"""How long the server still answers after readiness has dropped, so that whoever probes it can look away."""
FINISH_SECONDS = 20
MAX_CONNECTIONS = 512


def run(
    workspace_dir: Path | None = None,
    host: str = "127.0.0.1",
    port: int = 8700,
    *,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve the workspace until SIGTERM or SIGINT; returns after requests in flight have ended.

    Args:
        workspace_dir: where to look for the workspace, upward; None is the current directory.
        host: a loopback address or `localhost`.
        port: 0 picks a free one.
        on_ready: called with the address once requests are answered; the default prints it on stderr.

    Raises:
        InvalidInputError: `host` is not loopback.
        NoWorkspaceError: there is no workspace.
        BusyError: the workspace has a server already, or the port is taken.
    """
    address = loopback(host)
    from groundwork.app.config import DATA_FOLDER, find_root

    folder = find_root(workspace_dir or Path()) / DATA_FOLDER
    folder.mkdir(exist_ok=True)
    lock = ServerLock.take(folder)
    try:
        with _listening(address, port) as listener:
            url = _url(host, listener.getsockname()[1])
            lock.note(url)
            _serve(folder.parent, listener, lambda: (on_ready or _announce)(url))
    finally:
        lock.free()


def loopback(host: str) -> str:
    """Return the address to bind for `host`.

    Raises:
        InvalidInputError: it is not an address of this machine alone.
    """
    address = "127.0.0.1" if host == "localhost" else host.strip("[]")
    try:
        if ipaddress.ip_address(address).is_loopback:
            return address
    except ValueError:
        pass
    raise InvalidInputError(
        f"the server binds loopback addresses only, and `{host}` is not one",
        hint="use 127.0.0.1; from another machine forward the port, for example with `ssh -L 8700:127.0.0.1:8700`",
    )


@contextlib.contextmanager
def _listening(address: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((address, port))
        except OSError as error:
            raise _cannot_bind(address, port, error) from error
        listener.listen(256)
        listener.set_inheritable(False)
        yield listener


def _cannot_bind(address: str, port: int, error: OSError) -> Exception:
    if error.errno == errno.EADDRINUSE:
        return BusyError(
            f"port {port} of {address} is taken by another program",
            hint=f"choose another with `--port {port + 1 if port < 65535 else 8700}`, or `--port 0` for any free one",
        )
    if error.errno == errno.EACCES:
        return InvalidInputError(
            f"port {port} needs more rights than this user has", hint="choose one from 1024 up"
        )
    return InvalidInputError(
        f"{address}:{port} cannot be bound: {error.strerror}", hint="choose another host or port"
    )


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host.strip("[]") else f"http://{host}:{port}"


def _announce(url: str) -> None:
    print(f"Groundwork is at {url}  (Ctrl+C stops it)", file=sys.stderr, flush=True)


def _serve(root: Path, listener: socket.socket, ready: Callable[[], None]) -> None:
    from groundwork.app.workspace import Workspace
    from groundwork.server.application import create_app
    from groundwork.server.work import Worker

    workspace = Workspace.open(root)
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_until_told(create_app(workspace, worker=Worker(workspace)), listener, ready))
    finally:
        workspace.close()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _until_told(app: FastAPI, listener: socket.socket, ready: Callable[[], None]) -> None:
    import uvicorn

    loop = asyncio.get_running_loop()

    class Server(uvicorn.Server):
        """Drops readiness first, and stops taking requests a moment later; a second signal stops at once."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                ready()

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            if app.state.readiness.draining:
                super().handle_exit(sig, frame)
                return
            app.state.readiness.draining = True
            # A signal handler runs between any two steps of the loop, so it may only leave a message there.
            loop.call_soon_threadsafe(loop.call_later, DRAIN_SECONDS, self._stop)

        def _stop(self) -> None:
            self.should_exit = True

    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        ws="none",
        lifespan="on",
        limit_concurrency=MAX_CONNECTIONS,
        timeout_graceful_shutdown=FINISH_SECONDS,
        timeout_keep_alive=30,
        h11_max_incomplete_event_size=64 * 1024,
    )
    server = Server(config)
    with contextlib.suppress(KeyboardInterrupt), _quiet_signals():
        await server.serve(sockets=[listener])


@contextlib.contextmanager
def _quiet_signals() -> Iterator[None]:
    """uvicorn raises the signal again after an orderly end; by then it has been obeyed."""
    before = {s: signal.signal(s, signal.SIG_IGN) for s in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
