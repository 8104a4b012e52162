"""protocol.md 32 and the profile `fapi2`: pushed, signed and bound, or not at all."""

from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.types import ASGIApp

from app.models.partner import FAPI2
from app.settings import settings
from tests.oauth.dance import DATA, LEFT_OUT, is_page, refusal, sent_back
from tests.oauth.proofs import Keyed, Signer, brings, pushed, pushes
from tests.oauth.test_client_auth import is_unknown
from tests.pages import Browser


@pytest.fixture
def strict(server: ASGIApp, browser: Browser) -> Keyed:
    return Keyed(server, browser, profile=FAPI2)


def code(strict: Keyed, **changed: Any) -> str:
    strict.signs_in()
    strict.browser.opens(f"/oauth/authorize?{urlencode(brings(strict, pushed(strict, **changed)))}")
    strict.browser.presses("Authorise")
    return strict.answered()["code"]


def test_32_the_whole_dance(strict: Keyed, key: Signer) -> None:
    tokens = strict.redeems(code(strict), headers=key.proves()).json()
    assert tokens["token_type"] == "DPoP"
    assert DATA.get("/data", headers=key.proves(tokens["access_token"])).status_code == 200
    fresh = strict.refreshes(tokens["refresh_token"], headers=key.proves()).json()
    assert fresh["refresh_token"] == tokens["refresh_token"], "confidential and bound: it stays"
    assert DATA.get("/data", headers=key.proves(fresh["access_token"])).status_code == 200


def test_32_a_request_that_was_not_pushed_goes_home(strict: Keyed) -> None:
    assert is_page(strict.asks())
    assert sent_back(strict.asks(prompt="none"))["error"] == "invalid_request"
    strict.signs_in()
    assert sent_back(strict.asks())["error"] == "invalid_request"
    reference = brings(strict, pushed(strict))
    assert strict.browser.client.get(f"/oauth/authorize?{urlencode(reference)}").status_code == 303


def test_32_without_a_proof_there_is_no_token(strict: Keyed, key: Signer) -> None:
    made = code(strict)
    assert refusal(strict.redeems(made)) == (400, "invalid_dpop_proof")
    tokens = strict.redeems(made, headers=key.proves()).json()
    assert refusal(strict.refreshes(tokens["refresh_token"])) == (400, "invalid_dpop_proof")
    assert refusal(strict.posts({"grant_type": "client_credentials"})) == (400, "invalid_dpop_proof")
    bound = strict.posts({"grant_type": "client_credentials"}, headers=key.proves())
    assert bound.json()["token_type"] == "DPoP"


def test_32_it_authenticates_by_its_key_alone(strict: Keyed, key: Signer) -> None:
    made = code(strict)
    me = {"client_id": strict.app.client_id}
    ways: list[dict[str, Any]] = [
        {"auth": (strict.app.client_id, strict.secret)},
        {"auth": None, **me, "client_secret": strict.secret},
        {"auth": None, **me},
    ]
    for way in ways:
        assert is_unknown(strict.redeems(made, headers=key.proves(), **way))
    assert strict.redeems(made, headers=key.proves()).status_code == 200


@pytest.mark.parametrize("algorithm", ["ES256", "PS256", "EdDSA", "Ed25519", "RS256"])
def test_32_rs256_is_not_for_this_profile(server: ASGIApp, browser: Browser, algorithm: str) -> None:
    signer = Signer(algorithm)
    strict = Keyed(server, browser, signer, profile=FAPI2, jwks={"keys": [signer.public | {"kid": "key-1"}]})
    answered = pushes(strict)
    assert is_unknown(answered) if algorithm == "RS256" else answered.status_code == 201


def test_32_pkce_is_needed_in_a_push(strict: Keyed) -> None:
    without = {"code_challenge": LEFT_OUT, "code_challenge_method": LEFT_OUT}
    assert refusal(pushes(strict, **without)) == (400, "invalid_request")
    assert pushes(strict).status_code == 201


def test_the_metadata_names_all_that_the_profile_needs(strict: Keyed) -> None:
    said = strict.programs.get("/.well-known/oauth-authorization-server").json()
    assert said["pushed_authorization_request_endpoint"] == f"{settings.issuer}/oauth/par"
    assert said["require_pushed_authorization_requests"] is False
    assert said["request_uri_parameter_supported"] is False
    assert said["dpop_signing_alg_values_supported"] == ["ES256", "PS256", "EdDSA", "Ed25519"]
    assert "private_key_jwt" in said["token_endpoint_auth_methods_supported"]
    for name in ("token", "introspection", "revocation"):
        algorithms = said[f"{name}_endpoint_auth_signing_alg_values_supported"]
        assert algorithms == ["ES256", "PS256", "EdDSA", "Ed25519", "RS256"]
    assert "client_credentials" in said["grant_types_supported"]
