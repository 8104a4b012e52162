"""Authlib with requests: the app passes on addresses and state, the library makes and reads what is sent."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from authlib.common.security import generate_token
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import OpenIDProviderMetadata
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from tests.clients.site import APPS, ONE_SERVER, Site

pytestmark = ONE_SERVER


def session(app: dict[str, Any], method: str, scope: str = "school", **more: Any) -> OAuth2Session:
    return OAuth2Session(
        app["client_id"],
        app.get("client_secret"),
        token_endpoint_auth_method=method,
        revocation_endpoint_auth_method=method,
        redirect_uri=app["redirect_uris"][0],
        scope=scope,
        code_challenge_method="S256",
        **more,
    )


@pytest.mark.parametrize(("client_id", "method"), APPS)
def test_authlib_goes_from_discovery_to_revocation(site: Site, client_id: str, method: str) -> None:
    metadata = requests.get(get_well_known_url(site.issuer, external=True), timeout=10).json()
    assert metadata == site.metadata()
    kept: list[dict[str, Any]] = []
    client = session(
        site.app(client_id),
        method,
        token_endpoint=metadata["token_endpoint"],
        update_token=lambda token, **_: kept.append(token),
    )
    back = authorised(client, site)

    token = client.fetch_token(**back)

    assert token["school"]["urn"] == site.school.urn
    assert names(client, site) == [site.school.name]
    client.token["expires_at"] = 1  # so that the library renews it by itself
    assert names(client, site) == [site.school.name]
    assert len(kept) == 1 and kept[0]["refresh_token"] != token["refresh_token"]
    if method != "none":
        said = client.introspect_token(metadata["introspection_endpoint"], kept[0]["access_token"]).json()
        assert said["active"] and said["client_id"] == client_id
    revoked = client.revoke_token(metadata["revocation_endpoint"], kept[0]["refresh_token"], "refresh_token")
    assert revoked.status_code == 200
    assert client.get(site.data).status_code == 401
    with pytest.raises(OAuthError, match="invalid_grant"):
        client.fetch_token(**back)
    client.close()


def authorised(client: OAuth2Session, site: Site, **more: str) -> dict[str, str]:
    """A trip through the school's browser; what the exchange of the code takes."""
    verifier = generate_token(48)
    endpoint = site.metadata()["authorization_endpoint"]
    address, state = client.create_authorization_url(endpoint, code_verifier=verifier, **more)
    return {"authorization_response": site.school.authorises(address), "code_verifier": verifier, "state": state}


def names(client: OAuth2Session, site: Site) -> list[str]:
    answer = client.get(site.data)
    assert answer.status_code == 200, answer.text
    return [school["name"] for school in answer.json()["orgs"]]


@pytest.mark.once
@pytest.mark.parametrize("kind", [AuthorizationServerMetadata, OpenIDProviderMetadata])
def test_authlib_finds_the_metadata_valid(site: Site, kind: type[Any]) -> None:
    found = site.metadata()
    # The same addresses as a public server has them: Authlib takes no plain http.
    public = {name: value.replace("http:", "https:") for name, value in found.items() if isinstance(value, str)}

    kind(found | public).validate()


@pytest.mark.once
def test_47_authlib_gets_a_token_for_the_partner_itself_signed_by_a_published_key(site: Site) -> None:
    metadata = site.metadata()
    with session(site.app("reading-room"), "client_secret_basic", scope="partner") as client:
        token = client.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")

        signed = jwt.decode(token["access_token"], published(site), algorithms=["ES256"])
        assert signed.header["typ"] == "at+jwt" and "refresh_token" not in token
        assert signed.claims["iss"] == signed.claims["aud"] == site.issuer
        assert signed.claims["client_id"] == signed.claims["sub"] == "reading-room"


def published(site: Site) -> KeySet:
    return KeySet.import_key_set(requests.get(site.metadata()["jwks_uri"], timeout=10).json())


@pytest.mark.once
@pytest.mark.parametrize(("profile", "algorithm"), [("standard", "ES256"), ("oidc", "RS256")])
def test_62_authlib_finds_the_id_token_sound(site: Site, profile: str, algorithm: str) -> None:
    app = site.adds_app("openid", "profile", profile=profile)
    metadata = site.metadata()
    nonce = generate_token()
    with session(app, "client_secret_basic", scope="openid profile") as client:
        token = client.fetch_token(metadata["token_endpoint"], **authorised(client, site, nonce=nonce))
        person = client.get(metadata["userinfo_endpoint"]).json()

    signed = jwt.decode(token["id_token"], published(site), algorithms=[algorithm])
    expected = {"iss": {"essential": True, "value": site.issuer}, "aud": {"essential": True, "value": app["client_id"]}}
    flow = {"nonce": nonce, "client_id": app["client_id"], "access_token": token["access_token"]}
    CodeIDToken(signed.claims, signed.header, expected, flow).validate()
    assert person["sub"] == signed.claims["sub"] and person["name"]


@pytest.mark.once
@pytest.mark.parametrize("seconds_ahead", [0, 10])
def test_42_authlib_signs_an_assertion_that_lives_for_an_hour(site: Site, tmp_path: Path, seconds_ahead: int) -> None:
    """Authlib takes the token endpoint for the audience until it is told the issuer."""
    key = ECKey.generate_key("P-256")
    (tmp_path / "jwks.json").write_text(json.dumps(KeySet([key]).as_dict(private=False)))
    app = site.adds_app("school", auth_method="private_key_jwt", jwks=str(tmp_path / "jwks.json"))
    made_at = int(time.time()) + seconds_ahead
    endpoint = site.metadata()["token_endpoint"]

    def asks(audience: str) -> dict[str, Any]:
        claims = {"iat": made_at, "exp": made_at + 3600}
        with session(app | {"client_secret": key}, "private_key_jwt", scope="partner") as client:
            client.register_client_auth_method(PrivateKeyJWT(audience, claims, alg="ES256"))
            found: dict[str, Any] = client.fetch_token(endpoint, grant_type="client_credentials")
            return found

    with pytest.raises(OAuthError, match="invalid_client"):
        asks(endpoint)
    assert asks(site.issuer)["scope"] == "partner"


@pytest.mark.once
def test_69_authlib_asks_in_detail_looks_the_grant_up_and_gives_it_back(site: Site) -> None:
    app, metadata = site.adds_app("school"), site.metadata()
    detail = {"type": "school_data", "datatypes": ["school"], "identifier": str(site.school.urn)}
    scope = "grant_management_query grant_management_revoke"
    with (
        session(app, "client_secret_basic", scope="") as for_school,
        session(app, "client_secret_basic", scope=scope) as for_itself,
    ):
        back = authorised(for_school, site, authorization_details=json.dumps([detail]))
        token = for_school.fetch_token(metadata["token_endpoint"], **back)
        assert token["authorization_details"] == [detail] and names(for_school, site) == [site.school.name]
        for_itself.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
        grant = f"{metadata['grant_management_endpoint']}/{token['grant_id']}"

        found = for_itself.get(grant).json()
        given_back = for_itself.delete(grant)

        assert found["status"] == "active" and found["authorization_details"] == [detail]
        assert given_back.status_code == 204
        assert for_school.get(site.data).status_code == 401
        assert for_itself.get(grant).json()["status"] == "revoked"
