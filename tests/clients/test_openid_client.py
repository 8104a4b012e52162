"""npm openid-client (OpenID-certified), which knows only the issuer: everything else it must find and verify itself."""

import pytest

from tests.clients import node
from tests.clients.site import APPS, Site

pytestmark = pytest.mark.usefixtures("npm")


@pytest.mark.parametrize("algorithm", ["oidc", "oauth2"])
@pytest.mark.parametrize(("client_id", "method"), APPS)
def test_openid_client_goes_from_discovery_to_revocation(
    site: Site, client_id: str, method: str, algorithm: str
) -> None:
    found = node.run("openid_client.mjs", site, site.app(client_id), auth_method=method, algorithm=algorithm)

    assert found["supports_pkce"] is True
    assert found["school"]["urn"] == site.says_yes["urn"] and found["token_type"] == "bearer"
    assert found["names"] == found["names_again"] == [site.says_yes["name"]]
    assert found["rotated"]
    assert found["read_after_revocation"] == "invalid_token"
    assert found["refresh_after_revocation"] == found["replay"] == "invalid_grant"
    if method != "none":
        assert found["introspected"]["active"] and found["introspected"]["client_id"] == client_id
        assert found["afterwards"] == {"active": False}
