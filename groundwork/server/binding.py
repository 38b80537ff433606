"""Where the server binds and who may reach it there: beyond this machine only with sign-in and encryption."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from groundwork.core.errors import InvalidInputError, SettingsError
from groundwork.server.guard import LOOPBACK_HOSTS

if TYPE_CHECKING:
    from groundwork.core.settings import Settings


@dataclass(frozen=True)
class Binding:
    """A place to bind that was checked against the settings.

    Attributes:
        address: of IP. hosts: names that may stand in `Host`. origins: whose pages may send requests beside its own.
        public_url: where people reach it; empty: where it binds.
        certificate, key: PEM files of TLS; empty: plain HTTP.
        proxies: addresses and networks whose word on the client counts; empty: nobody's.
        exposed: whether others than this machine may reach it.
    """

    address: str
    hosts: tuple[str, ...]
    origins: tuple[str, ...]
    public_url: str
    certificate: str
    key: str
    proxies: tuple[str, ...]
    exposed: bool

    @property
    def is_open(self) -> bool:
        """Whether it binds every address of the machine."""
        return ipaddress.ip_address(self.address).is_unspecified

    def url(self, port: int) -> str:
        """Return the address for people."""
        if self.public_url:
            return self.public_url
        host = self.address
        if self.is_open:
            named = [h for h in self.hosts if h not in LOOPBACK_HOSTS]
            host = named[0] if named else "127.0.0.1"
        return f"{'https' if self.certificate else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"


def binding_of(settings: Settings, host: str, root: Path) -> Binding:
    """Return where to bind.

    Args:
        host: an IP address or `localhost`. root: of the workspace, which relative paths of TLS files begin at.

    Raises:
        InvalidInputError: it would open the workspace to other machines without sign-in and encryption.
        SettingsError: a setting of TLS or of the proxy does not make sense.
    """
    address = _address(host)
    local = ipaddress.ip_address(address).is_loopback
    certificate, key = _tls(settings, root)
    public = _public(settings)
    if settings.behind_proxy and not public.startswith("https://"):
        raise SettingsError(
            "`behind_proxy` needs to know where people reach the server",
            hint='set `public_url = "https://…"`; plain HTTP between people and a proxy would show their passwords',
        )
    exposed = not local or settings.behind_proxy
    if exposed and settings.sign_in == "off":
        raise InvalidInputError(
            f"`{host}` is reached from other machines, and `sign_in` is off; without it the server binds loopback only",
            hint='leave `sign_in` at "required", or use 127.0.0.1',
        )
    if not local and not certificate and not settings.behind_proxy:
        raise InvalidInputError(
            f"`{host}` is no loopback address, and without encryption passwords and cookies would be read on the way",
            hint="set `tls_certificate` and `tls_key`; or put a proxy with TLS before it and set `behind_proxy` and "
            "`public_url`; or use 127.0.0.1 and forward the port: `ssh -L 8700:127.0.0.1:8700`",
        )
    bound = () if ipaddress.ip_address(address).is_unspecified else (_in_host(address),)
    named = [urlsplit(public).hostname or ""] if public else []
    hosts = dict.fromkeys([*LOOPBACK_HOSTS, *bound, *(h.lower() for h in settings.hosts), *named])
    return Binding(
        address,
        tuple(h for h in hosts if h),
        tuple(dict.fromkeys([*settings.origins, *([public] if public else [])])),
        public,
        certificate,
        key,
        _proxies(settings) if settings.behind_proxy else (),
        exposed,
    )


def _address(host: str) -> str:
    address = "127.0.0.1" if host == "localhost" else host.strip("[]")
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        raise InvalidInputError(
            f"`{host}` is neither loopback nor another address of IP that could be bound",
            hint="use 127.0.0.1; for names that people use set `hosts` or `public_url`",
        ) from None


def _in_host(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _public(settings: Settings) -> str:
    if not settings.public_url:
        return ""
    parts = urlsplit(settings.public_url)
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.path not in ("", "/")
        or parts.query
    ):
        raise SettingsError(
            f"`public_url` is no address of a server: {settings.public_url[:100]!r}",
            hint="such as `https://groundwork.example`, without a path",
        )
    return f"{parts.scheme}://{parts.netloc}"


def _tls(settings: Settings, root: Path) -> tuple[str, str]:
    if not settings.tls_certificate and not settings.tls_key:
        return "", ""
    if not settings.tls_certificate or not settings.tls_key:
        raise SettingsError(
            "of `tls_certificate` and `tls_key` one is not set", hint="TLS needs both: the chain and its key"
        )
    import ssl

    certificate, key = str(root / settings.tls_certificate), str(root / settings.tls_key)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=lambda: "")
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or type(error).__name__
        raise SettingsError(
            f"the certificate {certificate} with the key {key} cannot be used: {said}",
            hint="both are PEM files, the key without a pass phrase and readable by the server",
        ) from None
    return certificate, key


def _proxies(settings: Settings) -> tuple[str, ...]:
    for word in settings.trusted_proxies:
        try:
            network = ipaddress.ip_network(word, strict=False)
        except ValueError:
            raise SettingsError(
                f"`{word[:60]}` of `trusted_proxies` is neither an address nor a network",
                hint="such as `10.0.0.7` or `10.0.0.0/24`",
            ) from None
        if network.prefixlen == 0:
            raise SettingsError(
                f"`{word}` of `trusted_proxies` would believe everybody",
                hint="name the addresses of the proxy",
            )
    if not settings.trusted_proxies:
        raise SettingsError("`trusted_proxies` is empty", hint="name the address of the proxy")
    return settings.trusted_proxies
