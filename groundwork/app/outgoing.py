"""The one bounded way out for sign-in providers: the gateway's transport, with limits that fit small documents."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from groundwork.accounts.oidc import Fetched
from groundwork.core.errors import SettingsError, UnavailableError

if TYPE_CHECKING:
    from groundwork.gateway.transport import Reply, Transport

SECONDS = 10.0
MOST_BYTES = 512 * 1024


@dataclass(frozen=True)
class Outgoing:
    """Fetches over the gateway's transport: no redirects, no proxies of the environment, secrets over TLS alone."""

    transport: Transport

    async def get(self, url: str) -> Fetched:
        """Fetch an address.

        Raises:
            UnavailableError: nothing usable came back.
        """
        return await self._sent(url, None, "", "")

    async def post_form(self, url: str, fields: Mapping[str, str], user: str, password: str) -> Fetched:
        """Post a form, with HTTP Basic where a user is named. Raises as `get`."""
        return await self._sent(url, fields, user, password)

    async def _sent(self, url: str, fields: Mapping[str, str] | None, user: str, password: str) -> Fetched:
        from groundwork.gateway.failures import Failure
        from groundwork.gateway.origin import Origin, parsed
        from groundwork.gateway.transport import Limits

        try:
            address, origin = parsed(url), Origin.of(url)
        except SettingsError as error:
            raise UnavailableError(f"the sign-in provider is at no address: {error.message}") from None
        limits = Limits(connections_per_host=8, connect_s=5.0, body_bytes=MOST_BYTES)
        headers = {"authorization": _basic(user, password)} if user else None
        try:
            if fields is None:
                reply: Reply = await self.transport.get_json(
                    address, origin=origin, timeout_s=SECONDS, limits=limits
                )
            else:
                reply = await self.transport.post_form(
                    address, fields, origin=origin, headers=headers, timeout_s=SECONDS, limits=limits
                )
        except (Failure, TimeoutError) as error:
            said = str(error) if isinstance(error, Failure) else "it took too long"
            raise UnavailableError(
                f"the sign-in provider cannot be reached: {said}",
                hint="try again; sign in with a name meanwhile",
            ) from None
        return Fetched(reply.status, reply.body)


def _basic(user: str, password: str) -> str:
    """Return the header of HTTP Basic as RFC 6749 2.3.1 has it: both parts are form-encoded first."""
    pair = f"{quote(user, safe='')}:{quote(password, safe='')}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"
