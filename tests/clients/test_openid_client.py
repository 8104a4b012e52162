"""npm openid-client (OpenID-certified), which knows only the issuer: everything else it must find and verify itself."""

import json
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import KeySet, OKPKey

from tests.clients import node
from tests.clients.site import APPS, ONE_SERVER, Site

pytestmark = [pytest.mark.usefixtures("npm"), pytest.mark.once, ONE_SERVER]
FAPI2 = "reading-room-fapi2"
PROVING: dict[str, Any] = {"auth_method": "private_key_jwt", "algorithm": "oauth2", "pushed": True}
AFTER_LOGOUT = "http://127.0.0.1:9/signed-out"


@pytest.mark.parametrize("algorithm", ["oidc", "oauth2"])
@pytest.mark.parametrize(("client_id", "method"), APPS)
def test_openid_client_goes_from_discovery_to_revocation(
    site: Site, client_id: str, method: str, algorithm: str
) -> None:
    found = node.run("openid_client.mjs", site, site.app(client_id), auth_method=method, algorithm=algorithm)

    assert found["supports_pkce"] is True
    assert found["school"]["urn"] == site.school.urn and found["token_type"] == "bearer"
    assert found["names"] == found["names_again"] == [site.school.name]
    assert found["rotated"]
    assert found["read_after_revocation"] == "invalid_token"
    assert found["refresh_after_revocation"] == found["replay"] == "invalid_grant"
    if method != "none":
        assert found["introspected"]["active"] and found["introspected"]["client_id"] == client_id
        assert found["afterwards"] == {"active": False}


@pytest.mark.parametrize("which", ["site", "site_with_nonces"])
def test_openid_client_pushes_its_request_signs_its_assertions_and_proves_its_key(
    request: pytest.FixtureRequest, which: str
) -> None:
    site: Site = request.getfixturevalue(which)

    found = node.run("openid_client.mjs", site, site.app(FAPI2), **PROVING, dpop="ES256")

    assert found["school"]["urn"] == site.school.urn and found["token_type"] == "dpop"
    assert found["names"] == found["names_again"] == [site.school.name]
    assert not found["rotated"], "a refresh token that is bound to a key stays"
    assert found["introspected"]["cnf"] == {"jkt": found["thumbprint"]}
    assert found["afterwards"] == {"active": False}
    assert found["read_after_revocation"] == "invalid_token"
    assert found["refresh_after_revocation"] == found["replay"] == "invalid_grant"


def test_openid_client_does_so_with_keys_of_ed25519(site: Site, tmp_path: Path) -> None:
    """It calls the algorithm by the name of RFC 9864, which older libraries know as EdDSA."""
    key = OKPKey.generate_key("Ed25519")
    (tmp_path / "jwks.json").write_text(json.dumps(KeySet([key]).as_dict(private=False)))
    app = site.adds_app("school", profile="fapi2", auth_method="private_key_jwt", jwks=str(tmp_path / "jwks.json"))

    found = node.run(
        "openid_client.mjs", site, app | {"private_jwk": key.as_dict(private=True)}, **PROVING, dpop="Ed25519"
    )

    assert found["names"] == found["names_again"] == [site.school.name] and found["token_type"] == "dpop"


@pytest.mark.parametrize(("profile", "algorithm"), [("standard", "ES256"), ("oidc", "RS256")])
def test_62_openid_client_signs_a_person_in_and_finds_the_id_token_sound(
    site: Site, profile: str, algorithm: str
) -> None:
    app = site.adds_app("openid", "profile", "email", profile=profile)

    found = node.run("openid_client_sign_in.mjs", site, app, scope="openid profile email", algorithm=algorithm)

    claims, person = found["claims"], found["person"]
    assert claims["iss"] == site.issuer and claims["aud"] == app["client_id"]
    assert "mfa" in claims["amr"] and claims["auth_time"] <= claims["iat"]
    assert person["sub"] == claims["sub"] and person["name"] and "@" in person["email"]
    assert found["same_person"]


def test_65_openid_client_signs_a_person_out_and_nobody_is_signed_in_afterwards(site: Site) -> None:
    app = site.adds_app("openid", post_logout_redirect_uri=AFTER_LOGOUT)

    found = node.run(
        "openid_client_sign_in.mjs",
        site,
        app,
        answers=site.other_school.authorises,
        scope="openid",
        algorithm="ES256",
        post_logout_redirect_uri=AFTER_LOGOUT,
    )

    assert found["signed_out"] == {"left": AFTER_LOGOUT, "same_state": True, "afterwards": "login_required"}


@pytest.mark.parametrize(("client_id", "bound"), [("reading-room", None), (FAPI2, "ES256")])
def test_47_openid_client_gets_a_token_for_the_partner_itself(site: Site, client_id: str, bound: str | None) -> None:
    found = node.run("openid_client_partner.mjs", site, site.app(client_id), dpop=bound)

    assert found["token"]["scope"] == "partner" and "refresh_token" not in found["token"]
    assert found["introspected"]["active"] and found["introspected"]["client_id"] == client_id
    assert found["introspected"].get("cnf") == ({"jkt": found["thumbprint"]} if bound else None)
    assert found["afterwards"] == {"active": False}


def test_68_openid_client_gets_tokens_for_an_agent_once_the_school_lets_it_in(site: Site) -> None:
    found = node.run("openid_client_device.mjs", site, {"client_id": "gatehouse-agent"}, answers=site.school.lets_in)

    assert found["school"]["urn"] == site.school.urn
    assert found["token_type"] == found["renewed_type"] == "dpop"
    assert found["with_another_key"] == "invalid_grant"
    assert found["collected_twice"] == "invalid_grant"
