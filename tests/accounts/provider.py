"""A real OpenID Connect provider on this machine: discovery, keys, codes with PKCE, ID tokens; each part can lie."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

Claims = dict[str, Any]


@cache
def rsa_key(name: str) -> rsa.RSAPrivateKey:
    """Return a key that stays the same within a run: making one takes a while."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def public_jwk(name: str = "main", **more: Any) -> dict[str, Any]:
    """Return the public half of a key as the provider lists it."""
    found: dict[str, Any] = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(rsa_key(name).public_key()))
    found.pop("key_ops", None)
    return {**found, "kid": name, "use": "sig", "alg": "RS256", **more}


def public_pem(name: str = "main") -> bytes:
    return (
        rsa_key(name)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


@dataclass
class Granted:
    """A code that was given out, and what it is good for."""

    nonce: str
    challenge: str
    redirect_uri: str
    client_id: str
    used: bool = False


@dataclass
class Provider:
    """What it says can be changed by tests: `claims` of the next ID token, `sign` to make it, `document` and `keys`."""

    client_id: str = "groundwork"
    client_secret: str = "client secret / ümläut"
    claims: Claims = field(default_factory=dict)
    keys: list[dict[str, Any]] = field(default_factory=lambda: [public_jwk()])
    document: dict[str, Any] = field(default_factory=dict)
    sign: Callable[[Claims], str] | None = None
    token_status: int = 200
    asked: list[str] = field(default_factory=list)
    authenticated: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.codes: dict[str, Granted] = {}
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *arguments: object) -> None:
                pass

            def do_GET(self) -> None:
                provider.asked.append(urlsplit(self.path).path)
                provider._get(self)

            def do_POST(self) -> None:
                provider.asked.append(urlsplit(self.path).path)
                provider._post(self)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def grant(self, url: str) -> str:
        """Do what a person does at the provider, and return the code that the browser comes back with."""
        query = {k: v[0] for k, v in parse_qs(urlsplit(url).query).items()}
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        assert "openid" in query["scope"].split()
        code = secrets.token_urlsafe(16)
        self.codes[code] = Granted(
            query["nonce"], query["code_challenge"], query["redirect_uri"], query["client_id"]
        )
        return code

    def usual_claims(self, nonce: str) -> Claims:
        now = int(time.time())
        return {
            "iss": self.issuer, "sub": "subject-1", "aud": self.client_id, "exp": now + 300, "iat": now, "nonce": nonce,
            "email": "ann@example.com", "email_verified": True, "name": "Ann Example", "groups": ["engineers"],
        }  # fmt: skip

    def _get(self, handler: BaseHTTPRequestHandler) -> None:
        path, query = urlsplit(handler.path).path, urlsplit(handler.path).query
        if path == "/.well-known/openid-configuration":
            _answer(handler, 200, {**self._document(), **self.document})
        elif path == "/keys":
            _answer(handler, 200, {"keys": self.keys})
        elif path == "/authorize":
            given = {k: v[0] for k, v in parse_qs(query).items()}
            back = urlencode({"code": self.grant(handler.path), "state": given["state"]})
            handler.send_response(302)
            handler.send_header("Location", f"{given['redirect_uri']}?{back}")
            handler.end_headers()
        else:
            _answer(handler, 404, {})

    def _post(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"])).decode()
        form = {k: v[0] for k, v in parse_qs(body).items()}
        basic = handler.headers.get("Authorization", "")
        if basic.startswith("Basic "):
            user, _, password = base64.b64decode(basic[6:]).decode().partition(":")
            self.authenticated.append("basic")
            known = (unquote(user), unquote(password)) == (self.client_id, self.client_secret)
        else:
            self.authenticated.append("post" if "client_secret" in form else "none")
            known = form.get("client_secret", self.client_secret) == self.client_secret
        granted = self.codes.get(form.get("code", ""))
        challenge = (
            base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
            .decode()
            .rstrip("=")
        )
        if (
            not known
            or granted is None
            or granted.used
            or granted.challenge != challenge
            or granted.redirect_uri != form.get("redirect_uri")
        ):
            _answer(handler, 400, {"error": "invalid_grant"})
            return
        granted.used = True
        claims = {**self.usual_claims(granted.nonce), **self.claims}
        claims = {k: v for k, v in claims.items() if v is not None}
        token = (self.sign or signed)(claims)
        _answer(handler, self.token_status, {"id_token": token, "access_token": "x", "token_type": "Bearer"})

    def _document(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        }


def signed(claims: Claims, key: Any = None, algorithm: str = "RS256", kid: str | None = "main") -> str:
    """Return an ID token."""
    headers = {} if kid is None else {"kid": kid}
    return jwt.encode(claims, key or rsa_key("main"), algorithm=algorithm, headers=headers)


def forged(claims: Claims, header: dict[str, Any], key: bytes = b"") -> str:
    """Return a token that no library would make: any header, an HMAC of any bytes as its signature."""
    import hmac

    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).decode().rstrip("=")

    text = f"{part(json.dumps(header).encode())}.{part(json.dumps(claims).encode())}"
    signature = hmac.new(key, text.encode(), hashlib.sha256).digest() if key else b""
    return f"{text}.{part(signature)}"


def _answer(handler: BaseHTTPRequestHandler, status: int, value: Any) -> None:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)
