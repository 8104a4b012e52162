"""requests-oauthlib, with which most older Python apps are written."""

from typing import Any

import pytest
import requests
from oauthlib.oauth2 import BackendApplicationClient, InvalidGrantError
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

from tests.clients.site import APPS, ONE_SERVER, Site

pytestmark = [pytest.mark.once, ONE_SERVER]


@pytest.fixture(autouse=True)
def _plain_http_on_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")


@pytest.mark.parametrize(("client_id", "method"), APPS)
def test_requests_oauthlib_goes_from_authorising_to_revocation(site: Site, client_id: str, method: str) -> None:
    app = site.app(client_id)
    metadata = site.metadata()
    basic = HTTPBasicAuth(client_id, app["client_secret"]) if method == "client_secret_basic" else None
    body = {"client_id": client_id, "client_secret": app["client_secret"]} if method == "client_secret_post" else {}
    body |= {"client_id": client_id} if method == "none" else {}
    kept: list[dict[str, Any]] = []
    with OAuth2Session(
        client_id,
        redirect_uri=app["redirect_uris"][0],
        scope="school",
        pkce="S256",
        auto_refresh_url=metadata["token_endpoint"],
        auto_refresh_kwargs=body,
        token_updater=kept.append,
    ) as client:
        address, _ = client.authorization_url(metadata["authorization_endpoint"])
        back = site.school.authorises(address)

        def redeems() -> dict[str, Any]:
            found: dict[str, Any] = client.fetch_token(
                metadata["token_endpoint"],
                authorization_response=back,
                auth=basic,
                include_client_id=method != "client_secret_basic",
                client_secret=body.get("client_secret"),
            )
            return found

        token = redeems()

        assert token["school"]["urn"] == site.school.urn
        assert names(client, site) == [site.school.name]
        client.token = token | {"expires_at": 1}  # so that the library renews it by itself
        for_renewal = {"client_id": client_id, "client_secret": app["client_secret"]} if basic else {}
        assert names(client, site, **for_renewal) == [site.school.name]
        assert len(kept) == 1 and kept[0]["refresh_token"] != token["refresh_token"]
        client.token = kept[0]
        address, headers, sent = client._client.prepare_token_revocation_request(
            metadata["revocation_endpoint"], kept[0]["refresh_token"], "refresh_token", **body
        )
        assert requests.post(address, sent, headers=headers, auth=basic, timeout=10).status_code == 200
        assert client.get(site.data).status_code == 401
        with pytest.raises(InvalidGrantError):
            redeems()


def names(client: OAuth2Session, site: Site, **renewal: str) -> list[str]:
    answer = client.get(site.data, **renewal)
    assert answer.status_code == 200, answer.text
    return [school["name"] for school in answer.json()["orgs"]]


def test_47_requests_oauthlib_gets_a_token_for_the_partner_itself(site: Site) -> None:
    app, metadata = site.app("reading-room"), site.metadata()
    basic = HTTPBasicAuth(app["client_id"], app["client_secret"])
    with OAuth2Session(client=BackendApplicationClient(app["client_id"], scope="partner")) as client:
        token = client.fetch_token(metadata["token_endpoint"], auth=basic)

    assert token["scope"] == ["partner"] and "refresh_token" not in token
    said = requests.post(metadata["introspection_endpoint"], {"token": token["access_token"]}, auth=basic, timeout=10)
    assert said.json()["active"] and said.json()["client_id"] == app["client_id"]
