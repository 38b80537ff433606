"""Sign-in by OpenID Connect: authorization code with PKCE, and an ID token that is believed only after every check.

Source: OpenID Connect Core 1.0, sections 3.1.2 and 3.1.3.7; RFC 7636 (PKCE); RFC 9700 (best current practice of OAuth 2.0).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

from groundwork.core.clock import Clock
from groundwork.core.errors import UnauthenticatedError, UnavailableError
from groundwork.core.settings import OidcSpec

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures with a public key alone: not `none`, nor the HMAC family, where the public key could serve as the secret."""
LEEWAY_S = 60
OLDEST_S = 600
"""An ID token that was issued longer ago is refused, although it may not be over yet."""
KEYS_FRESH_S, KEYS_AGAIN_S = 3600.0, 30.0
"""How long the provider's keys are kept, and how soon they may be fetched again for a key that is not among them."""
MOST_TOKEN_CHARS = 64 * 1024


@dataclass(frozen=True)
class Fetched:
    """What came back: HTTP status and body."""

    status: int
    body: bytes


class Fetch(Protocol):
    """The one bounded way out: no redirects, limits of time and size, secrets only over TLS or on this machine."""

    async def get(self, url: str) -> Fetched:
        """Fetch an address.

        Raises:
            UnavailableError: nothing usable came back.
        """
        ...

    async def post_form(self, url: str, fields: Mapping[str, str], user: str, password: str) -> Fetched:
        """Post a form; with a user name by HTTP Basic. Raises as `get`."""
        ...


@dataclass(frozen=True)
class Asked:
    """A sign-in that was begun: where the browser is sent, and what is remembered until it comes back."""

    url: str = field(repr=False)
    state: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    redirect_uri: str = ""


@dataclass(frozen=True)
class Identity:
    """Who signed in, as the provider says; `role` is what their claims mean here."""

    subject: str
    name: str
    title: str
    role: str


class Oidc:
    """The one provider that a spec names.

    Args:
        secret: of the client; empty for a public one. fetch: the way out.
    """

    def __init__(self, spec: OidcSpec, secret: str, fetch: Fetch, clock: Clock) -> None:
        self.spec = spec
        self._secret = secret
        self._fetch = fetch
        self._clock = clock
        self._document: tuple[float, dict[str, Any]] | None = None
        self._keys: tuple[float, list[dict[str, Any]]] | None = None

    async def begin(self, redirect_uri: str) -> Asked:
        """Return where to send the browser. State, nonce and verifier are fresh, 256 random bits each.

        Raises:
            UnavailableError: the provider does not answer, or not as one.
        """
        document = await self._discovered()
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        query = {
            "response_type": "code",
            "client_id": self.spec.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(dict.fromkeys(("openid", *self.spec.scopes))),
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        address = str(document["authorization_endpoint"])
        return Asked(
            f"{address}{'&' if '?' in address else '?'}{urlencode(query)}",
            state,
            nonce,
            verifier,
            redirect_uri,
        )

    async def finish(self, asked: Asked, code: str) -> Identity:
        """Trade the code for an ID token and return who it is about.

        Raises:
            UnauthenticatedError: the provider refuses the code, the token does not pass, or its owner is not let in.
            UnavailableError: the provider does not answer, or not as one.
        """
        document = await self._discovered()
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": asked.redirect_uri,
            "code_verifier": asked.verifier,
            "client_id": self.spec.client_id,
        }
        methods = document.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        basic = bool(self._secret) and "client_secret_basic" in methods
        if self._secret and not basic:
            fields["client_secret"] = self._secret
        user, password = (self.spec.client_id, self._secret) if basic else ("", "")
        reply = await self._fetch.post_form(str(document["token_endpoint"]), fields, user, password)
        if reply.status != 200:
            raise _refused(f"the provider answered {reply.status} to the code", "code")
        token = _object(reply.body, "the token endpoint").get("id_token")
        if not isinstance(token, str) or len(token) > MOST_TOKEN_CHARS:
            raise _refused("the provider sent no ID token", "token")
        return identity_of(self.spec, await self._claims(token, asked.nonce, document))

    async def _claims(self, token: str, nonce: str, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return the claims of an ID token that passed every check of section 3.1.3.7."""
        import jwt

        try:
            header = jwt.get_unverified_header(token)
            algorithm = header.get("alg")
            if algorithm not in ALGORITHMS:
                raise _refused(f"the ID token is signed by `{str(algorithm)[:20]}`", "alg")
            key = await self._key(header.get("kid"), str(algorithm), document)
            claims: dict[str, Any] = jwt.decode(
                token,
                key=key,
                algorithms=[str(algorithm)],
                audience=self.spec.client_id,
                issuer=self.spec.issuer,
                options={
                    "require": ["iss", "sub", "aud", "exp", "iat"],
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        except jwt.PyJWTError as error:
            raise _refused(f"the ID token does not pass: {type(error).__name__}", "token") from None
        self._check_times(claims)
        audience = claims["aud"]
        several = isinstance(audience, list) and len(audience) > 1
        if (several or "azp" in claims) and claims.get("azp") != self.spec.client_id:
            raise _refused("the ID token was issued to somebody else", "aud")
        said = claims.get("nonce")
        if not isinstance(said, str) or not hmac.compare_digest(said.encode(), nonce.encode()):
            raise _refused("the ID token answers another sign-in", "nonce")
        return claims

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        now = self._clock.now().timestamp()
        exp, iat, nbf = claims["exp"], claims["iat"], claims.get("nbf", 0)
        if not all(isinstance(v, int | float) and not isinstance(v, bool) for v in (exp, iat, nbf)):
            raise _refused("the times of the ID token are none", "token")
        if exp <= now - LEEWAY_S:
            raise _refused("the ID token is over", "expired")
        if iat > now + LEEWAY_S or nbf > now + LEEWAY_S:
            raise _refused("the ID token is of the future; compare the clocks", "future")
        if iat < now - OLDEST_S - LEEWAY_S:
            raise _refused("the ID token was issued too long ago", "expired")

    async def _key(self, kid: object, algorithm: str, document: Mapping[str, Any]) -> Any:
        """Return the provider's key of that id; where there is none, the keys are fetched anew, but not often."""
        import jwt

        now = self._clock.monotonic()
        found = None
        if self._keys is not None and now - self._keys[0] < KEYS_FRESH_S:
            found = _chosen(self._keys[1], kid, algorithm)
        if found is None and (self._keys is None or now - self._keys[0] >= KEYS_AGAIN_S):
            reply = await self._fetch.get(str(document["jwks_uri"]))
            if reply.status != 200:
                raise UnavailableError(f"the sign-in provider answered {reply.status} for its keys")
            keys = _object(reply.body, "the list of keys").get("keys")
            self._keys = (now, [k for k in keys if isinstance(k, dict)] if isinstance(keys, list) else [])
            found = _chosen(self._keys[1], kid, algorithm)
        if found is None:
            raise _refused("the ID token is signed by a key that the provider does not list", "key")
        try:
            return jwt.PyJWK.from_dict(found, algorithm=algorithm).key
        except (jwt.PyJWKError, jwt.InvalidKeyError, ValueError, TypeError, KeyError):
            raise _refused("the provider's key cannot be read", "key") from None

    async def _discovered(self) -> dict[str, Any]:
        now = self._clock.monotonic()
        if self._document is not None and now - self._document[0] < KEYS_FRESH_S:
            return self._document[1]
        reply = await self._fetch.get(f"{self.spec.issuer.rstrip('/')}/.well-known/openid-configuration")
        if reply.status != 200:
            raise UnavailableError(
                f"the sign-in provider answered {reply.status} to discovery",
                hint="check `issuer` of `[oidc]`",
            )
        document = _object(reply.body, "discovery")
        if document.get("issuer") != self.spec.issuer:
            raise UnavailableError(
                f"the provider calls itself `{str(document.get('issuer'))[:200]}`, not `{self.spec.issuer}`",
                hint="write `issuer` of `[oidc]` exactly as the provider does",
            )
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            _refuse_address(document.get(name), name, self.spec.issuer)
        self._document = (now, document)
        return document


def identity_of(spec: OidcSpec, claims: Mapping[str, Any]) -> Identity:
    """Return who the claims are about and which role they have here.

    Raises:
        UnauthenticatedError: they lack a name, their domain is not allowed, or no role is meant for them.
    """
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise _refused("the ID token names nobody", "sub")
    verified = claims.get("email_verified") is True
    mail = claims.get("email")
    whole = isinstance(mail, str) and mail.count("@") == 1 and not mail.startswith("@")
    domain = str(mail).partition("@")[2].strip().lower() if whole else ""
    if spec.allowed_domains and (not verified or domain not in {d.lower() for d in spec.allowed_domains}):
        raise _refused("no verified address of an allowed domain is among the claims", "domain")
    name = claims.get(spec.name_claim)
    if not isinstance(name, str) or not name.strip():
        raise _refused(f"the claim `{spec.name_claim}`, which is the name here, is not there", "name")
    if spec.name_claim == "email" and not verified:
        raise _refused("the e-mail address is not verified by the provider", "name")
    role = role_of(spec, claims)
    if not role:
        raise _refused("none of the roles here is meant for you", "role")
    title = claims.get("name")
    return Identity(
        f"{spec.issuer} {subject}",
        name.strip().lower(),
        title.strip()[:200] if isinstance(title, str) else "",
        role,
    )


def role_of(spec: OidcSpec, claims: Mapping[str, Any]) -> str:
    """Return the highest role that a word of the roles claim means, else the default one; empty: none."""
    from groundwork.accounts.roles import rank

    value: Any = claims
    for part in spec.roles_claim.split(".") if spec.roles_claim not in claims else [spec.roles_claim]:
        value = value.get(part) if isinstance(value, Mapping) else None
    words = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    meant = [spec.roles[w] for w in words if isinstance(w, str) and w in spec.roles]
    return max(meant, key=rank) if meant else spec.default_role


def _chosen(keys: list[dict[str, Any]], kid: object, algorithm: str) -> dict[str, Any] | None:
    family = {"R": "RSA", "P": "RSA", "E": "OKP" if algorithm == "EdDSA" else "EC"}[algorithm[0]]
    fitting = [
        k
        for k in keys
        if k.get("kty") == family and k.get("use", "sig") == "sig" and k.get("alg", algorithm) == algorithm
    ]
    if kid is not None:
        fitting = [k for k in fitting if k.get("kid") == kid]
    return fitting[0] if len(fitting) == 1 else None


def _object(body: bytes, what: str) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise UnavailableError(f"{what} of the sign-in provider did not answer a JSON object")
    return found


def _refuse_address(address: object, name: str, issuer: str) -> None:
    """Refuse an endpoint that would carry secrets in the open, or lead from a public provider into this machine."""
    parts = urlsplit(address if isinstance(address, str) else "")
    here = urlsplit(issuer)
    same = (parts.scheme, parts.hostname) == (here.scheme, here.hostname)
    local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if not parts.hostname or parts.username or not (same or (parts.scheme == "https" and not local)):
        raise UnavailableError(f"the `{name}` of the sign-in provider is no https address")


def _refused(what: str, reason: str) -> UnauthenticatedError:
    return UnauthenticatedError(
        f"the sign-in was not accepted: {what}",
        hint="begin again at /sign-in; if it stays so, the operator's log and the provider's say more",
        reason=reason,
    )
