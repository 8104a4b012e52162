"""What we sign and take back as our own; keys that come and go. protocol.md 3, 57."""

import asyncio
import base64
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from joserfc import jwk, jws, jwt
from sqlalchemy import text, update
from starlette.types import ASGIApp

from app import keys
from app.db import sessions
from app.models.base import ago, ahead
from app.models.signing_key import SigningKey
from app.oauth import jose
from app.settings import settings
from tests.oauth.dance import Dance

TYP = "test+jwt"


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """A first key of each algorithm, which nobody has rotated, before and after."""
    _anew()
    yield
    _anew()


def _anew() -> None:
    with sessions.begin() as db:
        db.execute(text("DELETE FROM signing_key"))
        keys.ensure(db)
    jose._ring.forget()


def signed(claims: dict[str, Any] | None = None, typ: str = TYP, algorithm: str = "ES256") -> str:
    usual = {"iss": settings.issuer, "exp": int(time.time()) + 60, "sub": "somebody"}
    return asyncio.run(jose.sign(usual | (claims or {}), typ, algorithm))


def verified(token: str, **more: Any) -> dict[str, Any] | None:
    return asyncio.run(jose.verified(token, TYP, **more))


def published() -> list[Any]:
    with sessions.read() as db:
        return keys.load(db).public_set()["keys"]


def rotate(after: float = keys.LEAD_SECONDS) -> None:
    """Rotate, so many seconds ago."""
    with sessions.begin() as db:
        fresh = [row.kid for row in keys.rotate(db)]
        before = ahead(keys.LEAD_SECONDS - after)
        db.execute(update(SigningKey).where(SigningKey.kid.in_(fresh)).values(starts_at=before))
    jose._ring.forget()


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    header, payload, signature = token.split(".")
    return unpacked(header), unpacked(payload), signature


def unpacked(part: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def packed(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).decode().rstrip("=")


@pytest.mark.parametrize("algorithm", keys.ALGORITHMS)
def test_what_we_sign_any_library_verifies_with_the_published_key(algorithm: str) -> None:
    token = signed(algorithm=algorithm)

    by_them = jwt.decode(token, jwk.KeySet.import_key_set({"keys": published()}), algorithms=[algorithm])

    assert by_them.header["typ"] == TYP and by_them.header["alg"] == algorithm
    assert by_them.claims == verified(token)


def test_3_published_keys_have_unique_ids_and_public_members_only(dance: Dance) -> None:
    rotate()
    answered = dance.programs.get("/oauth/jwks")
    found = answered.json()["keys"]

    assert answered.headers["cache-control"] == f"public, max-age={keys.PARTNERS_KEEP_SECONDS}"
    assert len(found) == 4 and len({key["kid"] for key in found}) == 4
    assert {tuple(sorted(key)) for key in found} == {
        ("alg", "crv", "kid", "kty", "use", "x", "y"),
        ("alg", "e", "kid", "kty", "n", "use"),
    }


def strangers_key() -> jwk.ECKey:
    return jwk.ECKey.generate_key("P-256")


def resigned(header: dict[str, Any], claims: dict[str, Any], key: Any) -> str:
    registry = jws.JWSRegistry(algorithms=[header["alg"]], strict_check_header=False)
    made: str = jws.serialize_compact(header, json.dumps(claims), key, registry=registry)
    return made


def by_public_key(header: dict[str, Any], claims: dict[str, Any]) -> str:
    pem = jwk.ECKey.import_key(published()[0]).as_pem(private=False)
    return resigned(header | {"alg": "HS256"}, claims, jwk.OctKey.import_key(base64.b64encode(pem)))


def with_own_key(header: dict[str, Any], claims: dict[str, Any]) -> str:
    mine = strangers_key()
    return resigned(header | {"jwk": mine.as_dict(private=False)}, claims, mine)


MUTATIONS: dict[str, Callable[[str], str]] = {
    "none": lambda token: f"{packed(parts(token)[0] | {'alg': 'none'})}.{token.split('.')[1]}.",
    "none with its old signature": lambda token: (
        f"{packed(parts(token)[0] | {'alg': 'none'})}.{token.split('.', 1)[1]}"
    ),
    "HS256 by the public key": lambda token: by_public_key(*parts(token)[:2]),
    "RS256 said of an ES256 key": lambda token: (
        f"{packed(parts(token)[0] | {'alg': 'RS256'})}.{token.split('.', 1)[1]}"
    ),
    "a stranger's key": lambda token: resigned(*parts(token)[:2], strangers_key()),
    "a key that it brings along": lambda token: with_own_key(*parts(token)[:2]),
    "jku": lambda token: resigned(
        parts(token)[0] | {"jku": "https://evil.example/keys"}, parts(token)[1], strangers_key()
    ),
    "crit": lambda token: f"{packed(parts(token)[0] | {'crit': ['exp']})}.{token.split('.', 1)[1]}",
    "no kid": lambda token: resigned({"alg": "ES256", "typ": TYP}, parts(token)[1], strangers_key()),
    "a kid that climbs": lambda token: resigned(
        parts(token)[0] | {"kid": "../../../dev/null"}, parts(token)[1], strangers_key()
    ),
    "a kid that is a list": lambda token: f"{packed(parts(token)[0] | {'kid': [1]})}.{token.split('.', 1)[1]}",
    "other claims": lambda token: (
        f"{token.split('.')[0]}.{packed(parts(token)[1] | {'sub': 'x'})}.{token.split('.')[2]}"
    ),
    "padding": lambda token: token + "=",
    "a space": lambda token: token + " ",
    "a line break": lambda token: token + "\n",
    "a signature cut short": lambda token: token[:-4],
    "four parts": lambda token: token + ".x",
    "two parts": lambda token: token.rpartition(".")[0],
    "an empty signature": lambda token: token.rpartition(".")[0] + ".",
    "the standard alphabet": lambda token: token[:-2] + "+/",
    "not ASCII": lambda token: "é" + token,
    "too long": lambda token: token + "A" * 40_000,
    "nothing": lambda token: "",
    "dots": lambda token: "..",
    "JSON serialisation": lambda token: json.dumps(
        dict(zip(("protected", "payload", "signature"), token.split("."), strict=True))
    ),
    "deep JSON": lambda token: f"{base64.urlsafe_b64encode(b'[' * 5000).decode().rstrip('=')}.{token.split('.', 1)[1]}",
}


@pytest.mark.parametrize("how", MUTATIONS)
def test_57_nothing_but_our_very_own_words_is_taken_back(how: str) -> None:
    token = signed()
    assert verified(MUTATIONS[how](token)) is None
    assert verified(token) is not None


def test_57_one_kind_of_token_never_passes_as_another_nor_an_issuer_as_ours() -> None:
    assert verified(signed(typ="JWT")) is None
    assert verified(signed({"iss": "https://other.example"})) is None
    assert verified(signed({"iss": [settings.issuer]})) is None
    assert verified(signed()) is not None


def test_what_expired_is_taken_only_on_demand() -> None:
    old = signed({"exp": int(time.time()) - 1})
    assert verified(old) is None
    assert verified(old, even_expired=True) is not None
    assert verified(signed({"exp": None})) is None


def test_a_new_key_is_published_before_it_signs_and_the_old_one_after_it_has() -> None:
    before = parts(signed())[0]["kid"]

    rotate(after=1)

    kids = {key["kid"] for key in published()}
    assert len(kids) == 4 and parts(signed())[0]["kid"] == before
    old = signed()
    with sessions.begin() as db:
        db.execute(update(SigningKey).values(starts_at=SigningKey.created_at))
    jose._ring.forget()
    assert parts(signed())[0]["kid"] in kids - {before}
    assert verified(old) is not None
    jwt.decode(old, jwk.KeySet.import_key_set({"keys": published()}), algorithms=["ES256"])


def test_a_key_that_ended_is_published_no_more_but_known_for_ever() -> None:
    old, good = signed({"exp": int(time.time()) - 1}), signed({"exp": int(time.time()) + 300})
    kid = parts(old)[0]["kid"]
    rotate()
    with sessions.read() as db:
        ended = db.get_one(SigningKey, kid)
        assert ended.ends_at
        longest = max(settings.id_token_seconds, settings.access_token_seconds)
        left = (ended.ends_at - ahead(longest)).total_seconds()
        assert left > keys.LEAD_SECONDS, "as long as the last token that it signs"
    with sessions.begin() as db:
        db.execute(update(SigningKey).where(SigningKey.kid == kid).values(ends_at=ago(1)))
    jose._ring.forget()

    assert kid not in {key["kid"] for key in published()}
    assert verified(good) is None, "whoever got hold of an ended key signs nothing more with it"
    assert verified(old, even_expired=True) is not None


def test_keys_sealed_under_a_secret_that_is_gone_do_no_harm_once_they_ended() -> None:
    old = signed()
    rotate()
    with sessions.begin() as db:
        gone = {"sealed": "00000000.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "ends_at": ago(1)}
        db.execute(update(SigningKey).where(SigningKey.kid == parts(old)[0]["kid"]).values(**gone))
    jose._ring.forget()

    assert verified(old) is None
    assert verified(signed()) is not None and published()


def test_starting_again_makes_no_more_keys(server: ASGIApp) -> None:
    before = published()
    with sessions.begin() as db:
        keys.ensure(db)
    assert published() == before and len(before) == 2


def test_private_keys_are_sealed_at_rest() -> None:
    with sessions.read() as db:
        for row in SigningKey.every(db):
            assert '"d"' not in row.sealed and "kty" not in row.sealed
