"""protocol.md, DPoP: 48 to 54."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from joserfc.jwk import ECKey, OctKey
from sqlalchemy import func, select
from starlette.types import ASGIApp

from app.db import sessions
from app.models.spent_id import DPOP, SpentId
from app.models.token import REFRESH, Token
from app.settings import settings
from tests.oauth.dance import DATA, Dance, at_once, refusal
from tests.oauth.proofs import Signer, b64, brings, part, pushed, pushes
from tests.oauth.test_bearer import challenge
from tests.pages import Browser

TOKEN = settings.issuer + "/oauth/token"


@pytest.fixture
def key() -> Signer:
    return Signer()


def bound(dance: Dance, key: Signer) -> dict[str, Any]:
    answered = dance.redeems(dance.code(), headers=key.proves())
    assert answered.status_code == 200, answered.text
    body: dict[str, Any] = answered.json()
    return body


def reads(headers: Any, path: str = "/data") -> Any:
    return DATA.get(path, headers=headers)


def said(response: Any) -> tuple[int, str]:
    """Status and code of a refusal by the API, whose challenge is DPoP."""
    header = response.headers["www-authenticate"]
    assert header.startswith("DPoP ") and 'algs="ES256 PS256 EdDSA Ed25519"' in header
    assert f'error="{response.json()["error"]}"' in header
    return response.status_code, response.json()["error"]


@pytest.mark.parametrize("algorithm", ["ES256", "PS256", "EdDSA", "Ed25519"])
def test_48_a_proof_binds_the_token_to_its_key(dance: Dance, algorithm: str) -> None:
    key = Signer(algorithm)
    tokens = bound(dance, key)
    assert tokens["token_type"] == "DPoP"
    said = dance.posts({"token": tokens["access_token"]}, path="/oauth/introspect").json()
    assert (said["active"], said["token_type"], said["cnf"]) == (True, "DPoP", {"jkt": key.thumbprint})
    assert reads(key.proves(tokens["access_token"])).status_code == 200


def test_48_without_a_proof_a_token_is_a_bearers(dance: Dance) -> None:
    tokens = dance.tokens()
    assert tokens["token_type"] == "Bearer"
    said = dance.posts({"token": tokens["access_token"]}, path="/oauth/introspect").json()
    assert said["token_type"] == "Bearer" and "cnf" not in said


def hmac_signed(key: Signer, claims: dict[str, Any], secret: bytes, **header: Any) -> str:
    signed = f"{part({'typ': 'dpop+jwt', 'alg': 'HS256', 'jwk': key.public} | header)}.{part(claims)}"
    return f"{signed}.{b64(hmac.digest(secret, signed.encode(), 'sha256'))}"


def claims(proof: str) -> dict[str, Any]:
    payload = proof.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


def _unsigned(key: Signer, token: str | None) -> str:
    return f"{part({'typ': 'dpop+jwt', 'alg': 'none', 'jwk': key.public})}.{part(claims(key.proof(token)))}."


def _by_hmac(key: Signer, token: str | None) -> str:
    return hmac_signed(key, claims(key.proof(token)), json.dumps(key.public).encode())


def _by_shared_key(key: Signer, token: str | None) -> str:
    shared = OctKey.generate_key(256)
    return hmac_signed(key, claims(key.proof(token)), shared.raw_value, jwk=shared.as_dict())


def _by_another(key: Signer, token: str | None) -> str:
    return Signer().proof(token, {"jwk": key.public})


def _changed(key: Signer, token: str | None) -> str:
    head, payload, signature = key.proof(token).split(".")
    flipped = ("B" if signature[10] == "A" else "A").join((signature[:10], signature[11:]))
    return f"{head}.{payload}.{flipped}"


def _der(key: Signer, token: str | None) -> str:
    head, payload, signature = key.proof(token).split(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    return f"{head}.{payload}.{b64(encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:])))}"


def _twice_a_claim(key: Signer, token: str | None) -> str:
    text = json.dumps(claims(key.proof(token)))
    head = {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.public}
    return key.signs(head, f'{{"htm": "PUT", {text[1:]}'.encode())


def _deep(key: Signer, token: str | None) -> str:
    head = {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.public}
    return key.signs(head, b"[" * 3000)


def _as_json(key: Signer, token: str | None) -> str:
    head, payload, signature = key.proof(token).split(".")
    return json.dumps({"payload": payload, "protected": head, "signature": signature})


def _header(**header: Any) -> Callable[[Signer, str | None], str]:
    return lambda key, token: key.proof(token, header)


def _claim(**changed: Any) -> Callable[[Signer, str | None], str]:
    return lambda key, token: key.proof(token, **changed)


def _seconds(offset: float) -> Callable[[Signer, str | None], str]:
    return lambda key, token: key.proof(token, iat=int(time.time() + offset))


NOT_ON_CURVE = {"kty": "EC", "crv": "P-256", "x": b64(b"\1" * 32), "y": b64(b"\1" * 32)}
MUTATIONS: dict[str, Callable[[Signer, str | None], str]] = {
    "typ missing": _header(typ=None),
    "typ JWT": _header(typ="JWT"),
    "typ no text": _header(typ=["dpop+jwt"]),
    "alg missing": _header(alg=None),
    "alg none": _unsigned,
    "alg none in the header alone": _header(alg="none"),
    "alg HS256 with the public key": _by_hmac,
    "alg HS256 with a shared key": _by_shared_key,
    "alg ES384": _header(alg="ES384"),
    "alg RS256": lambda _key, token: Signer("RS256").proof(token),
    "alg of another key type": _header(alg="EdDSA"),
    "alg a list": _header(alg=["ES256"]),
    "jwk missing": _header(jwk=None),
    "jwk private": lambda key, token: key.proof(token, {"jwk": key.key.as_dict(private=True)}),
    "jwk another's": _by_another,
    "jwk not on the curve": _header(jwk=NOT_ON_CURVE),
    "jwk without members": _header(jwk={"kty": "EC", "crv": "P-256"}),
    "jwk of a weak curve": lambda key, token: key.proof(
        token, {"jwk": ECKey.generate_key("secp256k1").as_dict(private=False)}
    ),
    "jwk a text": _header(jwk="x"),
    "jwk for encryption": lambda key, token: key.proof(token, {"jwk": key.public | {"use": "enc"}}),
    "jwk registered for another alg": lambda key, token: key.proof(token, {"jwk": key.public | {"alg": "ES512"}}),
    "key by address": _header(jwk=None, jku="https://evil.example/jwks"),
    "key by certificate": _header(x5c=["MIIB"]),
    "crit": _header(crit=["exp"]),
    "b64 false": _header(b64=False),
    "jti missing": _claim(jti=None),
    "jti empty": _claim(jti=""),
    "jti a number": _claim(jti=7),
    "jti too long": _claim(jti="x" * 257),
    "jti half a character": _claim(jti="\ud800"),
    "htm missing": _claim(htm=None),
    "htm another": _claim(htm="PATCH"),
    "htm in small letters": lambda key, token: key.proof(token, htm="get" if token else "post"),
    "htu missing": _claim(htu=None),
    "htu another path": _claim(htu=settings.issuer + "/oauth/other"),
    "htu another host": lambda key, token: key.proof(token, htu=address("https://evil.example", token)),
    "htu another scheme": lambda key, token: key.proof(token, htu=address("ftp://127.0.0.1:8000", token)),
    "htu another port": lambda key, token: key.proof(token, htu=address("http://127.0.0.1:8002", token)),
    "htu with a user": lambda key, token: key.proof(token, htu=address("http://me@127.0.0.1:8000", token)),
    "htu without host": lambda key, token: key.proof(token, htu=address("", token)),
    "htu no address": _claim(htu="http://[::1"),
    "htu a list": _claim(htu=[TOKEN]),
    "iat missing": _claim(iat=None),
    "iat a text": lambda key, token: key.proof(token, iat=str(int(time.time()))),
    "iat true": _claim(iat=True),
    "iat without end": lambda key, token: key.signs(
        {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.public},
        json.dumps(claims(key.proof(token)) | {"iat": 0}).replace('"iat": 0', '"iat": 1e999').encode(),
    ),
    "iat an hour ago": _seconds(-3600),
    "iat in an hour": _seconds(3600),
    "iat 130 s ago": _seconds(-130),
    "iat in 70 s": _seconds(70),
    "signature changed": _changed,
    "signature as DER": _der,
    "signature empty": lambda key, token: key.proof(token).rpartition(".")[0] + ".",
    "a claim twice": _twice_a_claim,
    "no JSON": lambda key, token: key.signs({"typ": "dpop+jwt", "alg": "ES256", "jwk": key.public}, b"{"),
    "a JSON list": lambda key, token: key.signs({"typ": "dpop+jwt", "alg": "ES256", "jwk": key.public}, b"[]"),
    "JSON in UTF-16": lambda key, token: key.signs(
        {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.public}, json.dumps(claims(key.proof(token))).encode("utf-16")
    ),
    "JSON too deep": _deep,
    "JSON serialisation": _as_json,
    "padded": lambda key, token: key.proof(token) + "=",
    "four parts": lambda key, token: key.proof(token) + ".x",
    "two parts": lambda key, token: key.proof(token).rpartition(".")[0],
    "empty": lambda key, token: "",
    "too long": lambda key, token: key.proof(token, more="x" * 9000),
    "not ASCII": lambda key, token: "é.é.é",
}
AT_API_ALONE: dict[str, Callable[[Signer, str | None], str]] = {
    "ath missing": _claim(ath=None),
    "ath of another token": _claim(ath=b64(hashlib.sha256(b"another").digest())),
    "ath in hexadecimal": lambda key, token: key.proof(token, ath=hashlib.sha256((token or "").encode()).hexdigest()),
}


def address(origin: str, token: str | None) -> str:
    return origin + ("/data" if token else "/oauth/token")


def raw(name: str, value: str) -> tuple[bytes, bytes]:
    return name.encode(), value.encode()


@pytest.mark.parametrize("how", MUTATIONS)
def test_49_a_proof_that_is_wrong_gets_no_token(dance: Dance, key: Signer, how: str) -> None:
    code = dance.code()
    answered = dance.redeems(code, headers=[raw("dpop", MUTATIONS[how](key, None))])
    assert refusal(answered) == (400, "invalid_dpop_proof")
    assert dance.redeems(code, headers=key.proves()).status_code == 200


@pytest.mark.parametrize("how", MUTATIONS | AT_API_ALONE)
def test_49_a_proof_that_is_wrong_opens_nothing(dance: Dance, key: Signer, how: str) -> None:
    token = bound(dance, key)["access_token"]
    proof = (MUTATIONS | AT_API_ALONE)[how](key, token)
    assert said(reads([raw("authorization", f"DPoP {token}"), raw("dpop", proof)])) == (401, "invalid_dpop_proof")
    assert reads(key.proves(token)).status_code == 200


def test_49_two_proofs_are_none(dance: Dance, key: Signer) -> None:
    code = dance.code()
    twice = [raw("dpop", key.proof()), raw("dpop", key.proof())]
    assert refusal(dance.redeems(code, headers=twice)) == (400, "invalid_dpop_proof")
    token = dance.redeems(code, headers=key.proves()).json()["access_token"]
    both = [raw("authorization", f"DPoP {token}"), raw("dpop", key.proof(token)), raw("dpop", key.proof(token))]
    assert said(reads(both)) == (401, "invalid_dpop_proof")
    assert reads(both[:2]).status_code == 200


@pytest.mark.parametrize("offset", [-110, 50])
def test_49_a_clock_may_be_a_little_off(dance: Dance, key: Signer, offset: int) -> None:
    assert dance.redeems(dance.code(), headers=key.proves(iat=int(time.time()) + offset)).status_code == 200


def test_50_a_proof_counts_once(dance: Dance, key: Signer) -> None:
    proof = key.proves()
    tokens = dance.redeems(dance.code(), headers=proof).json()
    assert refusal(dance.refreshes(tokens["refresh_token"], headers=proof)) == (400, "invalid_dpop_proof")
    once = key.proves(tokens["access_token"])
    assert reads(once).status_code == 200
    assert said(reads(once)) == (401, "invalid_dpop_proof")
    assert reads(key.proves(tokens["access_token"])).status_code == 200


def test_50_an_id_is_its_keys_alone_and_kept_until_the_proof_is_old(dance: Dance, key: Signer) -> None:
    other = Signer()
    same: dict[str, Any] = {"jti": "one"}
    assert dance.redeems(dance.code(), headers=key.proves(**same)).status_code == 200
    assert dance.redeems(dance.code(), headers=other.proves(**same)).status_code == 200
    assert refusal(dance.redeems(dance.code(), headers=key.proves(**same))) == (400, "invalid_dpop_proof")
    with sessions.read() as db:
        kept = db.scalars(select(SpentId.expires_at).where(SpentId.purpose == DPOP)).all()
    assert len(kept) == 2 and all(119 <= until.timestamp() - time.time() <= 122 for until in kept)


def test_50_of_many_calls_with_one_proof_one_goes_through(dance: Dance, key: Signer) -> None:
    token = bound(dance, key)["access_token"]
    proof = key.proves(token)
    answered = [response.status_code for response in at_once(20, lambda _: reads(proof))]
    assert sorted(answered) == [200] + [401] * 19
    assert reads(key.proves(token)).status_code == 200


def test_51_a_bound_token_is_nothing_without_its_key(dance: Dance, key: Signer) -> None:
    token = bound(dance, key)["access_token"]
    assert said(dance.reads(token)) == (401, "invalid_token")
    assert said(DATA.get("/data", headers={"authorization": f"Bearer {token}"} | {"dpop": key.proof(token)})) == (
        401,
        "invalid_token",
    )
    assert said(reads(Signer().proves(token))) == (401, "invalid_token")
    assert said(reads({"authorization": f"DPoP {token}"})) == (401, "invalid_dpop_proof")
    assert reads(key.proves(token)).status_code == 200


def test_51_a_token_that_is_not_bound_is_sent_as_bearer(dance: Dance, key: Signer) -> None:
    token = dance.tokens()["access_token"]
    answered = reads(key.proves(token))
    assert (answered.status_code, challenge(answered)["error"]) == (401, "invalid_token")
    assert dance.reads(token).status_code == 200


def test_51_unknown_and_ended_tokens_stay_so_with_a_proof(dance: Dance, key: Signer) -> None:
    tokens = bound(dance, key)
    assert said(reads(key.proves("gh_at_nothing"))) == (401, "invalid_token")
    assert said(reads(key.proves(tokens["refresh_token"]))) == (401, "invalid_token")
    assert reads(key.proves(tokens["access_token"])).status_code == 200
    dance.posts({"token": tokens["access_token"]}, path="/oauth/revoke")
    assert said(reads(key.proves(tokens["access_token"]))) == (401, "invalid_token")
    assert reads(key.proves(bound(dance, key)["access_token"])).status_code == 200


def test_52_a_code_that_is_bound_needs_its_key(dance: Dance, key: Signer) -> None:
    code = dance.code(dpop_jkt=key.thumbprint)
    assert refusal(dance.redeems(code)) == (400, "invalid_dpop_proof")
    assert refusal(dance.redeems(code, headers=Signer().proves())) == (400, "invalid_grant")
    assert dance.redeems(code, headers=key.proves()).json()["token_type"] == "DPoP"


def test_52_a_push_with_a_proof_binds_the_code(dance: Dance, key: Signer) -> None:
    par: dict[str, Any] = {"htu": f"{settings.issuer}/oauth/par"}
    other = Signer()
    assert refusal(pushes(dance, headers=other.proves(**par), dpop_jkt=key.thumbprint)) == (400, "invalid_dpop_proof")
    assert refusal(pushes(dance, headers=key.proves())) == (400, "invalid_dpop_proof"), "a proof for another address"
    sound: tuple[dict[str, Any], ...] = (
        {"headers": key.proves(**par)},
        {"dpop_jkt": key.thumbprint},
        {"headers": key.proves(**par), "dpop_jkt": key.thumbprint},
    )
    for sent in sound:
        reference = pushed(dance, **sent)
        dance.signs_in()
        dance.browser.opens("/oauth/authorize?" + urlencode(brings(dance, reference)))
        dance.browser.presses("Authorise")
        code = dance.answered()["code"]
        assert refusal(dance.redeems(code)) == (400, "invalid_dpop_proof")
        assert refusal(dance.redeems(code, headers=other.proves())) == (400, "invalid_grant")
        assert dance.redeems(code, headers=key.proves()).status_code == 200


@pytest.mark.parametrize("jkt", ["x", "A" * 42, "A" * 44, "A" * 42 + "="])
def test_52_a_thumbprint_that_is_none_is_refused(dance: Dance, key: Signer, jkt: str) -> None:
    assert refusal(pushes(dance, dpop_jkt=jkt)) == (400, "invalid_request")
    assert pushes(dance, dpop_jkt=key.thumbprint).status_code == 201


def refresh_rows() -> int:
    with sessions.read() as db:
        return db.scalar(select(func.count()).select_from(Token).where(Token.purpose == REFRESH)) or 0


def test_a_confidential_apps_bound_refresh_token_stays_and_any_key_takes_it_on(dance: Dance, key: Signer) -> None:
    tokens = bound(dance, key)
    refused = dance.refreshes(tokens["refresh_token"])
    assert refusal(refused) == (400, "invalid_dpop_proof")
    for signer in (key, Signer(), key):
        fresh = dance.refreshes(tokens["refresh_token"], headers=signer.proves()).json()
        assert fresh["refresh_token"] == tokens["refresh_token"]
        assert fresh["token_type"] == "DPoP"
        assert reads(signer.proves(fresh["access_token"])).status_code == 200
        if signer is not key:
            assert said(reads(key.proves(fresh["access_token"]))) == (401, "invalid_token")
    assert refresh_rows() == 1
    dance.posts({"token": tokens["refresh_token"]}, path="/oauth/revoke")
    assert refusal(dance.refreshes(tokens["refresh_token"], headers=key.proves())) == (400, "invalid_grant")


def test_a_public_apps_refresh_token_needs_its_own_key_and_rotates(
    server: ASGIApp, browser: Browser, key: Signer
) -> None:
    dance = Dance(server, browser, auth_method="none")
    tokens = bound(dance, key)
    assert refusal(dance.refreshes(tokens["refresh_token"])) == (400, "invalid_dpop_proof")
    assert refusal(dance.refreshes(tokens["refresh_token"], headers=Signer().proves())) == (400, "invalid_grant")
    fresh = dance.refreshes(tokens["refresh_token"], headers=key.proves()).json()
    assert fresh["refresh_token"] != tokens["refresh_token"]
    assert reads(key.proves(fresh["access_token"])).status_code == 200
    again = dance.refreshes(fresh["refresh_token"], headers=key.proves())
    assert again.status_code == 200
    reused = dance.refreshes(tokens["refresh_token"], headers=key.proves())
    assert refusal(reused) == (400, "invalid_grant")
    gone = dance.refreshes(again.json()["refresh_token"], headers=key.proves())
    assert refusal(gone) == (400, "invalid_grant"), "reuse ends the family"


def test_a_refresh_with_a_proof_binds_what_was_not_bound(dance: Dance, key: Signer) -> None:
    tokens = dance.tokens()
    fresh = dance.refreshes(tokens["refresh_token"], headers=key.proves()).json()
    assert fresh["refresh_token"] != tokens["refresh_token"]
    assert fresh["token_type"] == "DPoP"
    assert reads(key.proves(fresh["access_token"])).status_code == 200
    assert refusal(dance.refreshes(fresh["refresh_token"])) == (400, "invalid_dpop_proof"), "it was made with a proof"
    assert dance.refreshes(fresh["refresh_token"], headers=key.proves()).status_code == 200


def test_53_with_the_nonce_policy_a_proof_carries_our_nonce(
    dance: Dance, key: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "dpop_nonce", True)
    code = dance.code()
    refused = dance.redeems(code, headers=key.proves())
    assert refusal(refused) == (400, "use_dpop_nonce")
    nonce = refused.headers["dpop-nonce"]
    for wrong in ("", "x", nonce[:-1], nonce + "A", 7):
        assert refusal(dance.redeems(code, headers=key.proves(nonce=wrong))) == (400, "use_dpop_nonce")
    answered = dance.redeems(code, headers=key.proves(nonce=nonce))
    assert answered.status_code == 200 and answered.headers["dpop-nonce"], "a fresh one comes with every answer"
    token = answered.json()["access_token"]
    refused = reads(key.proves(token))
    assert said(refused) == (401, "use_dpop_nonce")
    opened = reads(key.proves(token, nonce=refused.headers["dpop-nonce"]))
    assert opened.status_code == 200 and opened.headers["dpop-nonce"]


def test_53_a_nonce_lives_for_five_minutes_and_in_every_worker(
    dance: Dance, key: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "dpop_nonce", True)
    code, now = dance.code(), time.time()
    with monkeypatch.context() as then:
        then.setattr("itsdangerous.timed.time.time", lambda: now - 301)
        old = dance.redeems(code, headers=key.proves()).headers["dpop-nonce"]
    assert refusal(dance.redeems(code, headers=key.proves(nonce=old))) == (400, "use_dpop_nonce")
    with monkeypatch.context() as then:
        then.setattr("itsdangerous.timed.time.time", lambda: now - 290)
        young = dance.redeems(code, headers=key.proves()).headers["dpop-nonce"]
    assert dance.redeems(code, headers=key.proves(nonce=young)).status_code == 200


def test_53_without_the_policy_nothing_is_handed_out_and_a_nonce_is_ignored(dance: Dance, key: Signer) -> None:
    answered = dance.redeems(dance.code(), headers=key.proves(nonce="whatever"))
    assert answered.status_code == 200 and "dpop-nonce" not in answered.headers


@pytest.mark.parametrize(
    "htu",
    [
        TOKEN + "?a=b#c",
        TOKEN.replace("http://", "HTTP://"),
        TOKEN.replace("/oauth/token", "/oauth/%74oken"),
    ],
)
def test_54_what_means_the_same_address_is_the_same(dance: Dance, key: Signer, htu: str) -> None:
    assert dance.redeems(dance.code(), headers=key.proves(htu=htu)).status_code == 200


def test_54_host_in_any_case_and_the_usual_port_are_the_same(
    dance: Dance, key: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "issuer", "https://gatehouse.example")
    for host in ("GateHouse.Example", "gatehouse.example:443"):
        assert dance.redeems("x", headers=key.proves(htu=f"https://{host}/oauth/token")).json()["error"] == (
            "invalid_grant"
        ), "past the proof"
    wrong = key.proves(htu="https://gatehouse.example:80/oauth/token")
    assert refusal(dance.redeems("x", headers=wrong)) == (400, "invalid_dpop_proof")


def test_54_the_query_of_a_call_does_not_matter(dance: Dance, key: Signer) -> None:
    token = bound(dance, key)["access_token"]
    assert reads(key.proves(token), "/data?limit=5").status_code == 200
    assert reads(key.proves(token, htu=f"{settings.issuer}/data?limit=6"), "/data?limit=5").status_code == 200
