"""Authlib with requests: the app passes on addresses and state, the library makes and reads what is sent."""

from typing import Any

import pytest
import requests
from authlib.common.security import generate_token
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url

from tests.clients.site import APPS, Site


def discovers(site: Site) -> dict[str, Any]:
    """The server's metadata, which Authlib itself must find valid."""
    address = get_well_known_url(site.issuer, external=True)
    found: dict[str, Any] = requests.get(address, timeout=10).json()
    AuthorizationServerMetadata({**found, **_over_tls(found)}).validate()
    assert found["issuer"] == site.issuer
    return found


def _over_tls(metadata: dict[str, Any]) -> dict[str, str]:
    """The same addresses as a public server has them: Authlib validates nothing that is plain http."""
    pairs = metadata.items()
    return {name: value.replace("http:", "https:") for name, value in pairs if str(value).startswith("http:")}


def session(app: dict[str, Any], method: str, **more: Any) -> OAuth2Session:
    return OAuth2Session(
        app["client_id"],
        app.get("client_secret"),
        token_endpoint_auth_method=method,
        revocation_endpoint_auth_method=method,
        redirect_uri=app["redirect_uris"][0],
        scope="school",
        code_challenge_method="S256",
        **more,
    )


@pytest.mark.parametrize(("client_id", "method"), APPS)
def test_authlib_goes_from_discovery_to_revocation(site: Site, client_id: str, method: str) -> None:
    metadata = discovers(site)
    kept: list[dict[str, Any]] = []
    client = session(
        site.app(client_id),
        method,
        token_endpoint=metadata["token_endpoint"],
        update_token=lambda token, **_: kept.append(token),
    )
    verifier = generate_token(48)
    address, state = client.create_authorization_url(metadata["authorization_endpoint"], code_verifier=verifier)
    back = site.authorises(address)

    token = client.fetch_token(authorization_response=back, code_verifier=verifier, state=state)

    assert token["school"]["urn"] == site.says_yes["urn"]
    assert names(client, site) == [site.says_yes["name"]]
    client.token["expires_at"] = 1  # so that the library renews it by itself
    assert names(client, site) == [site.says_yes["name"]]
    assert len(kept) == 1 and kept[0]["refresh_token"] != token["refresh_token"]
    if method != "none":
        said = client.introspect_token(metadata["introspection_endpoint"], kept[0]["access_token"]).json()
        assert said["active"] and said["client_id"] == client_id
    revoked = client.revoke_token(metadata["revocation_endpoint"], kept[0]["refresh_token"], "refresh_token")
    assert revoked.status_code == 200
    assert client.get(site.data).status_code == 401
    with pytest.raises(OAuthError, match="invalid_grant"):
        client.fetch_token(authorization_response=back, code_verifier=verifier, state=state)
    client.close()


def names(client: OAuth2Session, site: Site) -> list[str]:
    answer = client.get(site.data)
    assert answer.status_code == 200, answer.text
    return [school["name"] for school in answer.json()["orgs"]]
