"""Sign-in by OpenID Connect against a real provider on this machine, and every lie that one may tell."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from groundwork.accounts.arrivals import welcome
from groundwork.accounts.oidc import Asked, Identity, Oidc, identity_of
from groundwork.accounts.pending import MOST, SECONDS, Pending
from groundwork.app.outgoing import Outgoing
from groundwork.core.clock import ManualClock
from groundwork.core.errors import UnauthenticatedError, UnavailableError
from groundwork.core.principal import LOCAL
from groundwork.core.settings import OidcSpec
from groundwork.gateway.transport import Transport
from tests.accounts.conftest import SECRET, Room
from tests.accounts.provider import Claims, Provider, ec_key, forged, public_jwk, public_pem, rsa_key, signed

REDIRECT = "http://127.0.0.1:8700/sign-in/return"


@pytest.fixture(scope="module")
def server() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.close()


@pytest.fixture
def provider(server: Provider) -> Provider:
    server.claims, server.document, server.sign, server.keys = {}, {}, None, [public_jwk()]
    server.token_status = 200
    server.asked.clear()
    server.authenticated.clear()
    return server


def spec_of(provider: Provider, **changes: Any) -> OidcSpec:
    given = {"roles": {"engineers": "builder", "chiefs": "admin"}, **changes}
    return OidcSpec(issuer=provider.issuer, client_id=provider.client_id, **given)


def client_of(provider: Provider, secret: str | None = None, **changes: Any) -> Oidc:
    clock = ManualClock(datetime.fromtimestamp(time.time(), UTC))
    given = provider.client_secret if secret is None else secret
    return Oidc(spec_of(provider, **changes), given, Outgoing(Transport()), clock)


def go(oidc: Oidc, provider: Provider, change: Callable[[Asked], Asked] = lambda a: a) -> Identity:
    """Walk the whole way: begin, be let through by the provider, come back."""

    async def way() -> Identity:
        asked = await oidc.begin(REDIRECT)
        code = provider.grant(asked.url)
        try:
            return await oidc.finish(change(asked), code)
        finally:
            await oidc._fetch.transport.aclose()  # type: ignore[attr-defined]

    return asyncio.run(way())


def test_who_signs_in_at_the_provider_is_known_by_issuer_and_subject_with_the_role_of_their_claims(
    provider: Provider,
) -> None:
    identity = go(client_of(provider), provider)
    assert identity == Identity(f"{provider.issuer} subject-1", "ann@example.com", "Ann Example", "builder")
    assert provider.authenticated == ["basic"]
    assert provider.asked == ["/.well-known/openid-configuration", "/token", "/keys"]


def test_state_nonce_and_verifier_are_fresh_and_the_verifier_never_travels_with_the_browser(
    provider: Provider,
) -> None:
    oidc = client_of(provider)

    async def twice() -> tuple[Asked, Asked]:
        found = await oidc.begin(REDIRECT), await oidc.begin(REDIRECT)
        await oidc._fetch.transport.aclose()  # type: ignore[attr-defined]
        return found

    one, other = asyncio.run(twice())
    for name in ("state", "nonce", "verifier"):
        assert getattr(one, name) != getattr(other, name)
        assert len(getattr(one, name)) == 43
    assert one.verifier not in one.url
    assert one.nonce not in repr(one)
    query = parse_qs(urlsplit(one.url).query)
    assert query["redirect_uri"] == [REDIRECT]
    assert query["code_challenge_method"] == ["S256"]


def test_a_client_authenticates_as_the_provider_wants_it_or_not_at_all(provider: Provider) -> None:
    provider.document = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    go(client_of(provider), provider)
    go(client_of(provider, secret=""), provider)
    assert provider.authenticated == ["post", "none"]


NOW = int(time.time())
LIES: dict[str, tuple[Claims, str]] = {
    "another nonce": ({"nonce": "x" * 43}, "another sign-in"),
    "no nonce": ({"nonce": None}, "another sign-in"),
    "a nonce that is no text": ({"nonce": 7}, "another sign-in"),
    "another audience": ({"aud": "other"}, "InvalidAudience"),
    "no audience": ({"aud": None}, "Missing"),
    "several audiences and no azp": ({"aud": ["groundwork", "other"]}, "somebody else"),
    "issued to somebody else": ({"azp": "other"}, "somebody else"),
    "another issuer": ({"iss": "https://evil.example"}, "InvalidIssuer"),
    "over": ({"exp": NOW - 3600}, "over"),
    "no end": ({"exp": None}, "Missing"),
    "no begin": ({"iat": None}, "Missing"),
    "an end that is no time": ({"exp": "never"}, "times"),
    "of the future": ({"iat": NOW + 3600, "exp": NOW + 7200}, "future"),
    "not valid yet": ({"nbf": NOW + 3600}, "future"),
    "issued long ago": ({"iat": NOW - 7200, "exp": NOW + 7200}, "too long ago"),
    "no subject": ({"sub": None}, "Missing"),
    "an empty subject": ({"sub": ""}, "names nobody"),
    "a subject without end": ({"sub": "x" * 256}, "names nobody"),
    "no name": ({"email": None}, "not there"),
    "an unverified address": ({"email_verified": False}, "not verified"),
    "verified in words": ({"email_verified": "true"}, "not verified"),
    "no role": ({"groups": ["visitors"]}, "none of the roles"),
    "roles that are none": ({"groups": {"engineers": True}}, "none of the roles"),
}


@pytest.mark.parametrize("lie", LIES)
def test_an_id_token_with_a_lie_in_it_lets_nobody_in(provider: Provider, lie: str) -> None:
    provider.claims, said = LIES[lie]
    with pytest.raises(UnauthenticatedError, match=said):
        go(client_of(provider), provider)


FORGERIES: dict[str, Callable[[Claims], str]] = {
    "unsigned": lambda c: forged(c, {"alg": "none", "typ": "JWT"}),
    "unsigned, in capitals": lambda c: forged(c, {"alg": "NONE", "kid": "main"}),
    "HMAC with the public key as secret": lambda c: forged(c, {"alg": "HS256", "kid": "main"}, public_pem()),
    "HMAC with the client's secret": lambda c: forged(
        c, {"alg": "HS256"}, b"client secret / \xc3\xbcml\xc3\xa4ut"
    ),
    "another key under the same id": lambda c: signed(c, rsa_key("evil")),
    "a key that is not listed": lambda c: signed(c, rsa_key("evil"), kid="evil"),
    "a key in the header": lambda c: forged(
        c, {"alg": "RS256", "kid": "main", "jwk": public_jwk("evil")}, b"x"
    ),
    "no algorithm": lambda c: forged(c, {"kid": "main"}, b"x"),
    "an algorithm that is no word": lambda c: forged(c, {"alg": ["RS256"], "kid": "main"}, b"x"),
    "a changed body": lambda c: _changed(signed({**c, "groups": []}), c),
    "another kind of key": lambda c: signed(c, ec_key(), "ES256"),
    "nothing": lambda c: "",
    "two parts": lambda c: "a.b",
    "no text": lambda c: "\x00.\x00.\x00",
    "without end": lambda c: "a" * 100_000,
}


def _changed(token: str, claims: Claims) -> str:
    head, _, signature = token.split(".")
    return f"{head}.{forged(claims, {}).split('.')[1]}.{signature}"


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_id_token_lets_nobody_in(provider: Provider, forgery: str) -> None:
    provider.sign = FORGERIES[forgery]
    with pytest.raises(UnauthenticatedError):
        go(client_of(provider), provider)


def test_a_key_for_encryption_or_of_another_algorithm_signs_nothing(provider: Provider) -> None:
    for keys in (
        [public_jwk(use="enc")],
        [public_jwk(alg="RS512")],
        [{"kty": "oct", "k": "AAAA", "kid": "main"}],
        [],
    ):
        provider.keys = keys
        with pytest.raises(UnauthenticatedError, match="does not list"):
            go(client_of(provider), provider)


def test_a_code_is_good_once_and_only_with_its_verifier(provider: Provider) -> None:
    from dataclasses import replace

    with pytest.raises(UnauthenticatedError, match="answered 400"):
        go(client_of(provider), provider, lambda asked: replace(asked, verifier="x" * 43))
    with pytest.raises(UnauthenticatedError, match="answered 400"):
        go(client_of(provider, secret="wrong"), provider)

    async def twice() -> None:
        oidc = client_of(provider)
        asked = await oidc.begin(REDIRECT)
        code = provider.grant(asked.url)
        await oidc.finish(asked, code)
        try:
            with pytest.raises(UnauthenticatedError, match="answered 400"):
                await oidc.finish(asked, code)
        finally:
            await oidc._fetch.transport.aclose()  # type: ignore[attr-defined]

    asyncio.run(twice())


def test_keys_are_kept_and_fetched_anew_for_a_new_one_but_not_for_every_forgery(provider: Provider) -> None:
    oidc = client_of(provider)

    async def way(sign: Callable[[Claims], str] | None) -> None:
        provider.sign = sign
        asked = await oidc.begin(REDIRECT)
        try:
            await oidc.finish(asked, provider.grant(asked.url))
        except UnauthenticatedError:
            pass
        finally:
            await oidc._fetch.transport.aclose(everywhere=False)  # type: ignore[attr-defined]

    for _ in range(3):
        asyncio.run(way(None))
    assert provider.asked.count("/keys") == 1
    for _ in range(20):
        asyncio.run(way(lambda c: signed(c, rsa_key("evil"), kid="evil")))
    assert provider.asked.count("/keys") == 1
    oidc._clock.advance(60)  # type: ignore[attr-defined]
    provider.keys = [public_jwk("next")]
    asyncio.run(way(lambda c: signed(c, rsa_key("next"), kid="next")))
    assert provider.asked.count("/keys") == 2
    assert provider.asked.count("/.well-known/openid-configuration") == 1


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"issuer": "https://evil.example"}, "calls itself"),
        ({"token_endpoint": "http://192.0.2.1/token"}, "no https address"),
        ({"jwks_uri": "http://169.254.169.254/latest"}, "no https address"),
        ({"token_endpoint": "file:///etc/passwd"}, "no https address"),
        ({"token_endpoint": None}, "no https address"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "no https address"),
    ],
)
def test_a_discovery_document_that_leads_astray_is_not_followed(
    provider: Provider, document: dict[str, Any], said: str
) -> None:
    provider.document = document
    with pytest.raises(UnavailableError, match=said):
        go(client_of(provider), provider)


def test_a_provider_that_is_down_redirects_or_answers_nonsense_is_said_to_be_so(provider: Provider) -> None:
    provider.token_status = 302
    with pytest.raises(UnavailableError, match="redirect"):
        go(client_of(provider), provider)
    spec = OidcSpec(issuer="http://127.0.0.1:9", client_id="x", default_role="viewer")
    clock = ManualClock(datetime.now(UTC))
    with pytest.raises(UnavailableError, match="cannot be reached"):
        asyncio.run(Oidc(spec, "", Outgoing(Transport()), clock).begin(REDIRECT))


CLAIMS = {"sub": "s", "email": "ann@example.com", "email_verified": True, "preferred_username": "ann"}


def _spec(**changes: Any) -> OidcSpec:
    return OidcSpec(issuer="https://id.example", client_id="x", **{"default_role": "viewer", **changes})


@pytest.mark.parametrize(
    ("spec", "claims", "role"),
    [
        (_spec(), {}, "viewer"),
        (_spec(roles={"a": "builder", "b": "admin"}), {"groups": ["a", "b", "c"]}, "admin"),
        (_spec(roles={"a": "builder"}), {"groups": "a"}, "builder"),
        (_spec(roles={"a": "builder"}), {"groups": ["b"]}, "viewer"),
        (_spec(roles={"a": "builder"}, roles_claim="realm.roles"), {"realm": {"roles": ["a"]}}, "builder"),
        (_spec(roles={"a": "builder"}, roles_claim="https://x/roles"), {"https://x/roles": ["a"]}, "builder"),
        (_spec(roles={"a": "builder"}, default_role="operator"), {"groups": [["a"], None, 3]}, "operator"),
    ],
)
def test_claims_mean_roles_as_the_spec_says(spec: OidcSpec, claims: Claims, role: str) -> None:
    assert identity_of(spec, {**CLAIMS, **claims}).role == role


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "ann@example.com.evil.example"},
        {"email": "ann@evil.example"},
        {"email_verified": False},
        {"email": "example.com"},
        {"email": ["ann@example.com"]},
    ],
)
def test_only_verified_addresses_of_allowed_domains_are_let_in(claims: Claims) -> None:
    spec = _spec(allowed_domains=("example.com",), name_claim="preferred_username")
    assert identity_of(spec, CLAIMS).name == "ann"
    with pytest.raises(UnauthenticatedError, match="allowed domain"):
        identity_of(spec, {**CLAIMS, **claims})


def test_a_state_is_good_once_in_the_browser_it_was_made_for_and_for_a_while() -> None:
    clock = ManualClock(datetime.now(UTC))
    pending = Pending(clock)
    asked = Asked("https://id.example", "state", "nonce", "verifier", REDIRECT)
    for state, browser, wait in (
        ("other", "b", 0),
        ("state", "", 0),
        ("state", "c", 0),
        ("state", "b", SECONDS + 1),
    ):
        pending.put(asked, "b", "/")
        clock.advance(wait)
        with pytest.raises(UnauthenticatedError, match="no sign-in that was begun"):
            pending.take(state, browser)
    pending.put(asked, "b", "/answers")
    assert pending.take("state", "b").next == "/answers"
    with pytest.raises(UnauthenticatedError):
        pending.take("state", "b")


def test_begun_sign_ins_are_bounded() -> None:
    pending = Pending(ManualClock(datetime.now(UTC)), most=10)
    for n in range(100):
        pending.put(Asked("u", f"state {n}", "n", "v", REDIRECT), "b", "/")
    assert len(pending._begun) == 10
    assert MOST < 10_000


ANN = Identity("https://id.example subject-1", "ann@example.com", "Ann", "builder")


def _welcome(room: Room, identity: Identity, follow: bool = True) -> str:
    return welcome(room.database, room.users, room.clock, identity, "default", follow=follow)[0]


def test_a_user_is_made_at_the_first_sign_in_and_their_role_follows_the_claims(room: Room) -> None:
    from dataclasses import replace

    first = _welcome(room, ANN)
    made = room.users.get(LOCAL, first)
    assert (made.name, made.role, made.access, made.signs_in) == (
        "ann@example.com",
        "builder",
        None,
        ("oidc",),
    )
    assert _welcome(room, replace(ANN, role="viewer", name="renamed@example.com")) == first
    now = room.users.get(LOCAL, first)
    assert (now.name, now.role, now.access) == ("ann@example.com", "viewer", ())
    assert _welcome(room, replace(ANN, role="admin"), follow=False) == first
    assert room.users.get(LOCAL, first).role == "viewer"


def test_a_name_of_a_local_account_is_not_handed_over_by_an_address(room: Room) -> None:
    room.users.create(LOCAL, "ann@example.com", role="admin", password=SECRET)
    with pytest.raises(UnauthenticatedError, match="belongs to another account"):
        _welcome(room, ANN)


def test_a_disabled_user_does_not_come_in_over_the_provider_either(room: Room) -> None:
    user = _welcome(room, ANN)
    room.users.disable(LOCAL, user)
    with pytest.raises(UnauthenticatedError, match="disabled"):
        _welcome(room, ANN)
