"""npm oauth4webapi, which finds the server by way of the data API's own metadata (RFC 9728)."""

import pytest

from tests.clients import node
from tests.clients.site import APPS, Site

pytestmark = pytest.mark.usefixtures("npm")


@pytest.mark.parametrize(("client_id", "method"), APPS)
def test_oauth4webapi_goes_from_discovery_to_revocation(site: Site, client_id: str, method: str) -> None:
    found = node.run("oauth4webapi.mjs", site, site.app(client_id), auth_method=method)

    assert "school" in found["scopes"]
    assert found["guessed"] == "invalid_grant", "a wrong verifier spends nothing"
    assert found["school"]["urn"] == site.says_yes["urn"] and found["token_type"] == "bearer"
    assert found["names"] == found["names_again"] == [site.says_yes["name"]]
    assert found["rotated"]
    assert found["read_after_revocation"] == "invalid_token"
    assert found["refresh_after_revocation"] == "invalid_grant"
    if method != "none":
        assert found["introspected"]["active"] and found["introspected"]["client_id"] == client_id
        assert found["afterwards"] == {"active": False}
