"""protocol.md, DPoP: 48 to 51 and 54. What is bound to a key, 52 and 53, is in test_dpop_binding.py."""

import time
from typing import Any

import pytest
from sqlalchemy import select

from app.db import sessions
from app.models.spent_id import DPOP, SpentId
from app.settings import settings
from tests.oauth.dance import DATA, Dance, at_once, refusal
from tests.oauth.forged_proofs import AT_API_ALONE, MUTATIONS, TOKEN
from tests.oauth.proofs import Signer
from tests.oauth.test_bearer import challenge


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
