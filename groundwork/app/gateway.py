"""The gateway of a workspace: its parts are built from the spec here and introduced to each other."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from groundwork.core.once import once

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace
    from groundwork.gateway.blocking import BlockingGateway
    from groundwork.gateway.catalog import Catalog
    from groundwork.gateway.erasure import GatewayEraser
    from groundwork.gateway.gateway import Gateway
    from groundwork.gateway.keys import Keys
    from groundwork.gateway.ledger import DatabaseLedger
    from groundwork.gateway.providers import Provider
    from groundwork.gateway.secrets import Secrets
    from groundwork.gateway.transport import Transport
    from groundwork.gateway.usage import UsageBook


@dataclass
class GatewayRoom:
    """The parts, each made when it is first asked for; `gateway` serves a running event loop, `blocking` threads."""

    workspace: Workspace
    lab_trouble: str = ""
    """Why the models that labs add are not served; empty when they are."""
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @once
    def keys(self) -> Keys:
        from groundwork.gateway.keys import Keys

        rooms = self.workspace.rooms
        return Keys(rooms.database, rooms.clock)

    @once
    def usage(self) -> UsageBook:
        from groundwork.gateway.usage import UsageBook

        rooms = self.workspace.rooms
        return UsageBook(rooms.database, rooms.clock, self.workspace.spec)

    @once
    def cache(self) -> GatewayEraser:
        from groundwork.gateway.erasure import GatewayEraser

        return GatewayEraser(self.workspace.rooms.database)

    @once
    def secrets(self) -> Secrets:
        from groundwork.gateway.secrets import Secrets

        rooms = self.workspace.rooms
        return Secrets(rooms.database, rooms.data / "secret.key")

    @once
    def transport(self) -> Transport:
        from groundwork.gateway.transport import Transport

        return Transport()

    @once
    def ledger(self) -> DatabaseLedger:
        from groundwork.gateway.ledger import DatabaseLedger

        rooms = self.workspace.rooms
        return DatabaseLedger(rooms.database, rooms.clock, self.workspace.settings.gateway_sync)

    @once
    def catalog(self) -> Catalog:
        return self._made_catalog()

    def take_up_labs(self) -> None:
        """Serve the models that labs add to the spec now."""
        if "catalog" in self.__dict__:
            self.catalog.adopt(self._made_catalog())

    def _made_catalog(self) -> Catalog:
        """Return a catalog of the spec; should labs stand in the way, one without what they add (see `lab_trouble`)."""
        from groundwork.app.apps_provider import Apps
        from groundwork.app.lab_parts import lab_names, without_labs
        from groundwork.app.quoting import quote_from
        from groundwork.core.errors import SettingsError
        from groundwork.gateway.catalog import Catalog
        from groundwork.gateway.providers.extractive import Extractive

        extra: dict[str, Provider] = {
            "app": Apps(self.workspace),
            "extractive": Extractive(answer=quote_from(self.workspace)),
        }
        spec, root = self.workspace.spec, self.workspace.root
        self.lab_trouble = ""
        try:
            return Catalog(spec, self.secrets.resolve, extra, root=root)
        except SettingsError as error:
            if not lab_names(spec):
                raise
            made = Catalog(without_labs(spec), self.secrets.resolve, extra, root=root)
            self.lab_trouble = error.message
            return made

    @once
    def gateway(self) -> Gateway:
        from groundwork.gateway.gateway import Gateway, GatewayOptions

        settings = self.workspace.settings
        options = GatewayOptions.of(self.workspace.spec, keyless=settings.gateway_keys == "auto")
        clock, content = self.workspace.rooms.clock, self.workspace.telemetry.content
        return Gateway(self.catalog, self.ledger, self.transport, clock, options, content=content)

    @once
    def blocking(self) -> BlockingGateway:
        from groundwork.gateway.blocking import BlockingGateway

        return BlockingGateway(self.gateway)

    def close(self) -> None:
        """Settle what is in flight and let go of connections and threads."""
        parts = ("blocking", "ledger", "gateway", "catalog", "transport", "usage", "cache", "keys", "secrets")
        with self._lock:
            made = {name: self.__dict__.pop(name) for name in parts if name in self.__dict__}
        # Outside the lock: what they wait for may ask for a part.
        for name in ("blocking", "ledger"):
            if name in made:
                made[name].close()
