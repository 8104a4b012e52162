"""npm oauth4webapi, which finds the server by way of the data API's own metadata (RFC 9728)."""

from typing import Any

import pytest

from tests.clients import node
from tests.clients.site import APPS, ONE_SERVER, Site

pytestmark = [pytest.mark.usefixtures("npm"), pytest.mark.once, ONE_SERVER]


@pytest.mark.parametrize(("client_id", "method"), APPS)
def test_oauth4webapi_goes_from_discovery_to_revocation(site: Site, client_id: str, method: str) -> None:
    found = node.run("oauth4webapi.mjs", site, site.app(client_id), auth_method=method)

    assert "school" in found["scopes"]
    assert found["guessed"] == "invalid_grant", "a wrong verifier spends nothing"
    assert found["school"]["urn"] == site.school.urn and found["token_type"] == "bearer"
    assert found["names"] == found["names_again"] == [site.school.name]
    assert found["rotated"]
    assert found["read_after_revocation"] == "invalid_token"
    assert found["refresh_after_revocation"] == "invalid_grant"
    if method != "none":
        assert found["introspected"]["active"] and found["introspected"]["client_id"] == client_id
        assert found["afterwards"] == {"active": False}


@pytest.mark.parametrize("which", ["site", "site_with_nonces"])
def test_oauth4webapi_pushes_its_request_signs_its_assertions_and_proves_its_key(
    request: pytest.FixtureRequest, which: str
) -> None:
    site: Site = request.getfixturevalue(which)
    profile: dict[str, Any] = {"auth_method": "private_key_jwt", "pushed": True, "dpop": "ES256"}

    found = node.run("oauth4webapi.mjs", site, site.app("reading-room-fapi2"), **profile)

    assert found["guessed"] == "invalid_grant"
    assert found["school"]["urn"] == site.school.urn and found["token_type"] == "dpop"
    assert found["names"] == found["names_again"] == [site.school.name]
    assert not found["rotated"], "a refresh token that is bound to a key stays"
    assert found["introspected"]["cnf"] == {"jkt": found["thumbprint"]}
    assert found["afterwards"] == {"active": False}
    assert found["read_after_revocation"] == "invalid_token"
    assert found["refresh_after_revocation"] == "invalid_grant"


def test_47_oauth4webapi_verifies_the_token_for_the_partner_itself_which_opens_no_school_data(site: Site) -> None:
    found = node.run("oauth4webapi_partner.mjs", site, site.app("reading-room-oidc"))

    assert found["token"]["scope"] == found["claims"]["scope"] == "partner"
    assert "refresh_token" not in found["token"]
    assert found["claims"]["client_id"] == found["claims"]["sub"] == "reading-room-oidc"
    assert found["read"] in (401, 403) and "error=" in found["challenge"]
