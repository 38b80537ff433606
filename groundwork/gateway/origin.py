"""Where a provider is: the one place to which its key may go."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from groundwork.core.errors import SettingsError

if TYPE_CHECKING:
    from yarl import URL


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port of a provider's address, taken from the operator's configuration and from nowhere else.

    Attributes:
        allow_http: a key may travel over plain HTTP to a host that is not this machine (`options.allow_http`).
        takes_secrets: a key may be sent there: it travels encrypted, never leaves the machine, or the operator says so.
        name: the origin in words, such as `http://127.0.0.1:11434`.
    """

    scheme: str
    host: str
    port: int
    allow_http: bool = False
    takes_secrets: bool = field(init=False, repr=False, compare=False)
    name: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        safe = self.scheme == "https" or self.allow_http or _is_loopback(self.host)
        object.__setattr__(self, "takes_secrets", safe)
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = {"http": 80, "https": 443}.get(self.scheme)
        name = f"{self.scheme}://{host}" if self.port == usual else f"{self.scheme}://{host}:{self.port}"
        object.__setattr__(self, "name", name)

    @classmethod
    def of(cls, base_url: str, *, allow_http: bool = False) -> Origin:
        """Return the origin of an address.

        Raises:
            SettingsError: it is no absolute http or https address, or holds a user name or password.
        """
        url = parsed(base_url)
        return cls(url.scheme, url.host or "", url.port or 0, allow_http)

    def covers(self, url: URL) -> bool:
        """Return whether the address lies at this origin."""
        return url.host == self.host and url.port == self.port and url.scheme == self.scheme

    def __str__(self) -> str:
        return self.name


def _is_loopback(host: str) -> bool:
    """Return whether the host is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def parsed(base_url: str) -> URL:
    """Return the address, checked; the same parser opens the connection later.

    Raises:
        SettingsError: see `Origin.of`.
    """
    from yarl import URL

    hint = "set `base_url` to something like `https://api.example.com/v1`; the key is named by `key`"
    try:
        url = URL(base_url)
        host, port = url.host, url.port
    except ValueError:
        raise SettingsError(
            "the `base_url` of the provider cannot be read as an address", hint=hint
        ) from None
    if url.user is not None or url.password is not None:
        raise SettingsError("the `base_url` of the provider holds a user name or password", hint=hint)
    if url.scheme not in ("http", "https") or not host or not port:
        raise SettingsError(
            f"the `base_url` of the provider is no http or https address: `{url.scheme}://{host or ''}`",
            hint=hint,
        )
    return url
