"""Run the server of a workspace: bind, lock, serve, and go down in order."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from groundwork.core.errors import BusyError, InvalidInputError
from groundwork.server.binding import Binding, binding_of
from groundwork.server.lock import ServerLock
from groundwork.server.memory import set_aside

if TYPE_CHECKING:
    from fastapi import FastAPI

DRAIN_SECONDS = 0.25
"""How long the server still answers after readiness has dropped, so that whoever probes it can look away."""
FINISH_SECONDS = 20
MAX_CONNECTIONS = 2048
"""With more open at once, every request is answered with 503; a thousand at once have to be served."""
MOST_FILES = 8192
"""Open files that the process asks for, where the system lets it: each connection is one."""


@dataclass(frozen=True)
class Opened:
    """A server that answers.

    Attributes:
        url: where people reach it.
        sign_in: whether people sign in there.
        token: the admin token that this start made; empty when somebody could sign in already. It is shown this once.
    """

    url: str
    sign_in: bool = False
    token: str = field(default="", repr=False)

    @property
    def link(self) -> str:
        """An address that signs in; the token stands in the fragment, which browsers send to nobody and no log sees."""
        return f"{self.url}/sign-in#token={self.token}" if self.token else f"{self.url}/sign-in"

    def notes(self) -> list[str]:
        """Return what people are told beside the address."""
        if not self.sign_in:
            return []
        if self.token:
            return [
                "Open this address to sign in as admin; it holds a token and is shown this once:",
                f"  {self.link}",
            ]
        return [f"Sign in at {self.link}; `groundwork user token` makes a new admin token."]


def run(
    workspace_dir: Path | None = None,
    host: str = "127.0.0.1",
    port: int = 8700,
    *,
    on_ready: Callable[[Opened], None] | None = None,
    demo: bool = False,
) -> None:
    """Serve the workspace until SIGTERM or SIGINT; returns after requests in flight have ended.

    Args:
        workspace_dir: where to look for the workspace, upward; None is the current directory.
        host: a loopback address or `localhost`; another address of this machine as `server/binding.py` says.
        port: 0 picks a free one.
        on_ready: called once requests are answered; the default prints the address on stderr.
        demo: make a token to sign in with at every start, in place of the one before.

    Raises:
        InvalidInputError: `host` would open the workspace to others without sign-in and encryption.
        SettingsError: a setting of TLS or the proxy does not make sense.
        NoWorkspaceError: there is no workspace.
        BusyError: the workspace has a server already, or the port is taken.
    """
    from groundwork.app.config import DATA_FOLDER, find_root, read_config

    root = find_root(workspace_dir or Path())
    binding = binding_of(read_config(root).spec.settings, host, root)
    folder = root / DATA_FOLDER
    folder.mkdir(exist_ok=True)
    lock = ServerLock.take(folder)
    try:
        with _listening(binding.address, port) as listener:
            url = binding.url(listener.getsockname()[1])
            lock.note(url)
            _serve(root, listener, binding, lambda opened: (on_ready or _announce)(opened), url, demo)
    finally:
        lock.free()


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


def _announce(opened: Opened) -> None:
    lines = [f"Groundwork is at {opened.url}  (Ctrl+C stops it)", *opened.notes()]
    print("\n".join(lines), file=sys.stderr, flush=True)


def _serve(
    root: Path,
    listener: socket.socket,
    binding: Binding,
    ready: Callable[[Opened], None],
    url: str,
    demo: bool,
) -> None:
    from groundwork.app.workspace import Workspace
    from groundwork.server import logs
    from groundwork.server.application import create_app
    from groundwork.server.doorkeeper import AccountsDoorkeeper
    from groundwork.server.work import Worker

    # Callers from elsewhere look like this machine's own behind a proxy, so that none comes in without a key there.
    workspace = Workspace.open(root, **({"gateway_keys": "required"} if binding.exposed else {}))
    lines = logs.begin(workspace.settings.log_format, workspace.settings.log_level)
    try:
        signs_in = workspace.settings.sign_in == "required"
        keeper = (
            AccountsDoorkeeper(workspace.accounts, [u for u in [binding.public_url] if u])
            if signs_in
            else None
        )
        app = create_app(
            workspace,
            hosts=binding.hosts,
            origins=binding.origins,
            doorkeeper=keeper,
            worker=Worker(workspace),
            upkeep=workspace.telemetry.upkeep,
        )
        tokens = workspace.accounts.tokens
        token = (tokens.for_demo() if demo else tokens.first()) if signs_in else None
        opened = Opened(url, signs_in, token or "")
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_until_told(app, listener, binding, lambda: ready(opened)))
    finally:
        workspace.close()
        logs.end(lines)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _until_told(
    app: FastAPI, listener: socket.socket, binding: Binding, ready: Callable[[], None]
) -> None:
    import uvicorn

    from groundwork.server.protocol import Protocol

    loop = asyncio.get_running_loop()

    class Server(uvicorn.Server):
        """Drops readiness first, and stops taking requests a moment later; a second signal stops at once."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                set_aside()
                # A background thread gives way to a request after half a millisecond, not after five.
                sys.setswitchinterval(0.0005)
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
        http=Protocol,
        log_config=None,
        access_log=False,
        server_header=False,
        # Whose word on addresses and on TLS counts: the proxies that the settings trust, else nobody's.
        proxy_headers=bool(binding.proxies),
        forwarded_allow_ips=list(binding.proxies),
        ssl_certfile=binding.certificate or None,
        ssl_keyfile=binding.key or None,
        date_header=True,
        ws="none",
        lifespan="on",
        limit_concurrency=MAX_CONNECTIONS,
        timeout_graceful_shutdown=FINISH_SECONDS,
        timeout_keep_alive=30,
        h11_max_incomplete_event_size=64 * 1024,
    )
    _ask_for_files()
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


def _ask_for_files() -> None:
    """Raise the number of files that may be open, as far as the system allows without being asked for more."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(MOST_FILES, hard)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
