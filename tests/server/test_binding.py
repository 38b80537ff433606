"""Where the server binds: beyond this machine only with sign-in and encryption, and it believes only trusted proxies."""

from __future__ import annotations

import ipaddress
import json
import signal
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from groundwork.app.workspace import Workspace
from groundwork.core.errors import InvalidInputError, SettingsError
from groundwork.core.settings import Settings
from groundwork.server.binding import binding_of

PROXY = {"behind_proxy": True, "public_url": "https://gw.example"}


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate for 127.0.0.1 and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    folder, key = tmp_path_factory.mktemp("tls"), ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    (folder / "nonsense.pem").write_text("nonsense")
    return folder


def settings(pem: Path | None = None, **given: Any) -> Settings:
    tls = {"tls_certificate": str(pem / "cert.pem"), "tls_key": str(pem / "key.pem")} if pem else {}
    return Settings(**{**tls, **given})


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "[2001:db8::1]"])
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "no loopback address"),
        ({"sign_in": "off"}, "`sign_in` is off"),
        ({"public_url": "https://gw.example"}, "no loopback address"),
        ({"hosts": ["gw.example"]}, "no loopback address"),
        ({**PROXY, "sign_in": "off"}, "`sign_in` is off"),
    ],
)
def test_other_machines_are_not_let_near_without_sign_in_and_encryption(
    host: str, given: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidInputError, match=said) as caught:
        binding_of(settings(**given), host, Path())
    assert "127.0.0.1" in caught.value.hint


def test_not_even_with_a_certificate_when_nobody_has_to_sign_in(pem: Path) -> None:
    with pytest.raises(InvalidInputError, match="`sign_in` is off"):
        binding_of(settings(pem, sign_in="off"), "0.0.0.0", Path())


def test_a_proxy_on_this_machine_makes_everybody_look_local_so_sign_in_stays(pem: Path) -> None:
    with pytest.raises(InvalidInputError, match="`sign_in` is off"):
        binding_of(settings(**PROXY, sign_in="off"), "127.0.0.1", Path())
    assert binding_of(settings(**PROXY), "127.0.0.1", Path()).exposed


@pytest.mark.parametrize(
    "given",
    [
        {"behind_proxy": True},
        {"behind_proxy": True, "public_url": "http://gw.example"},
        {**PROXY, "trusted_proxies": []},
        {**PROXY, "trusted_proxies": ["everybody"]},
        {**PROXY, "trusted_proxies": ["*"]},
        {**PROXY, "trusted_proxies": ["0.0.0.0/0"]},
        {"public_url": "gw.example"},
        {"public_url": "https://gw.example/path"},
        {"public_url": "ftp://gw.example"},
        {"tls_certificate": "cert.pem"},
        {"tls_key": "key.pem"},
        {"tls_certificate": "missing.pem", "tls_key": "missing.pem"},
        {"tls_certificate": "nonsense.pem", "tls_key": "key.pem"},
    ],
)
def test_settings_of_tls_and_proxies_that_make_no_sense_are_said(pem: Path, given: dict[str, Any]) -> None:
    with pytest.raises(SettingsError) as caught:
        binding_of(settings(**given), "127.0.0.1", pem)
    assert caught.value.hint


def test_names_that_may_stand_in_host_are_those_of_the_settings_and_of_the_place(pem: Path) -> None:
    found = binding_of(
        settings(pem, hosts=["GW.example"], public_url="https://other.example"), "192.0.2.1", pem
    )
    assert found.hosts == ("127.0.0.1", "localhost", "[::1]", "192.0.2.1", "gw.example", "other.example")
    assert found.origins == ("https://other.example",)
    assert found.url(8700) == "https://other.example"
    assert binding_of(settings(pem), "0.0.0.0", pem).url(8700) == "https://127.0.0.1:8700"
    assert binding_of(settings(), "::1", pem).url(8700) == "http://[::1]:8700"
    assert not binding_of(settings(), "localhost", pem).exposed


@contextmanager
def serving(root: Path, *more: str) -> Iterator[dict[str, Any]]:
    """A server of the workspace in its own process; yields what it said when it was ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", "groundwork.cli", "serve", "--port", "0", "--json", "-w", str(root), *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stderr
    try:
        text = ""
        while not text.rstrip().endswith("}"):
            line = process.stdout.readline()
            assert line, process.stderr.read()
            text += line
        yield json.loads(text)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


def ask(url: str, context: ssl.SSLContext | None = None, **headers: str) -> tuple[int, bytes]:
    request = urllib.request.Request(url, headers={k.replace("_", "-"): v for k, v in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=20, context=context) as reply:
            return reply.status, reply.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_over_tls_the_first_start_shows_a_token_and_the_gateway_lets_nobody_in_without_a_key(
    tmp_path: Path, pem: Path
) -> None:
    Workspace.init(tmp_path).close()
    (tmp_path / "groundwork.toml").write_text(
        f'tls_certificate = "{pem}/cert.pem"\ntls_key = "{pem}/key.pem"\nhost = "0.0.0.0"\n'
    )
    context = ssl.create_default_context(cafile=str(pem / "cert.pem"))
    with serving(tmp_path) as ready:
        assert ready["url"].startswith("https://127.0.0.1:")
        assert ready["sign_in_url"] == f"{ready['url']}/sign-in#token={ready['token']}"
        shown = {"Authorization": f"Bearer {ready['token']}"}
        assert ask(f"{ready['url']}/api/session", context)[0] == 401
        status, body = ask(f"{ready['url']}/api/session", context, **shown)
        assert (status, json.loads(body)["role"]) == (200, "admin")
        assert ask(f"{ready['url']}/v1/models", context)[0] == 401
    with serving(tmp_path) as again:
        assert again["token"] is None
        assert again["sign_in_url"].endswith("/sign-in")
        assert ask(f"{again['url']}/api/session", context, **shown)[0] == 200


def test_behind_a_proxy_only_its_own_word_on_tls_and_addresses_counts() -> None:
    """The middle layer that uvicorn puts before the application, with what the settings make of it."""
    import asyncio

    from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

    seen: list[tuple[str, str]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope["scheme"], scope["client"][0]))

    found = binding_of(settings(**PROXY, trusted_proxies=["10.0.0.0/24"]), "0.0.0.0", Path())
    layer = ProxyHeadersMiddleware(app, trusted_hosts=list(found.proxies))
    told = [(b"x-forwarded-proto", b"https"), (b"x-forwarded-for", b"198.51.100.1, 203.0.113.9")]
    for client in ("10.0.0.7", "10.0.1.7", "127.0.0.1"):
        scope = {"type": "http", "scheme": "http", "client": (client, 1), "headers": told}
        asyncio.run(layer(scope, None, None))  # type: ignore[arg-type]
    assert seen == [("https", "203.0.113.9"), ("http", "10.0.1.7"), ("http", "127.0.0.1")]


def test_without_a_proxy_in_the_settings_nobodys_word_counts() -> None:
    assert binding_of(settings(), "127.0.0.1", Path()).proxies == ()
