"""protocol.md, Metadata: 1 to 5."""

from typing import Any

import pytest

from app.oauth import device
from app.settings import settings
from tests.oauth.dance import Dance, refusal

PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "k", "oth"}


@pytest.mark.parametrize("name", ["openid-configuration", "oauth-authorization-server"])
def test_1_metadata_names_this_very_issuer(dance: Dance, name: str) -> None:
    answered = dance.programs.get(f"/.well-known/{name}")

    assert (answered.status_code, answered.headers["content-type"]) == (200, "application/json")
    assert answered.json()["issuer"] == settings.issuer


def test_2_metadata_offers_only_what_works_and_nothing_weak(dance: Dance) -> None:
    said = dance.programs.get("/.well-known/oauth-authorization-server").json()

    assert said["response_types_supported"] == ["code"]
    assert said["code_challenge_methods_supported"] == ["S256"]
    assert said["authorization_response_iss_parameter_supported"] is True
    everything = str({name: value for name, value in said.items() if name != "prompt_values_supported"})
    assert not any(f"'{word}'" in everything for word in ("none", "plain", "password", "implicit"))
    endpoints = {name: address for name, address in said.items() if name.endswith(("_endpoint", "_uri"))}
    assert endpoints
    for name, address in endpoints.items():
        path = address.removeprefix(settings.issuer)
        assert dance.programs.get(path).status_code != 404, f"{name} leads nowhere"
    for grant in said["grant_types_supported"]:
        agents: dict[str, Any] = {"auth": None, "client_id": device.CLIENT_ID} if grant == device.GRANT else {}
        answered = dance.posts({"grant_type": grant}, **agents)
        assert answered.status_code == 200 or refusal(answered) == (400, "invalid_request"), "at most a parameter lacks"


def test_3_published_keys_are_public_and_told_apart(dance: Dance) -> None:
    address = dance.programs.get("/.well-known/oauth-authorization-server").json()["jwks_uri"]

    keys = dance.programs.get(address).json()["keys"]

    assert keys
    assert len({key["kid"] for key in keys}) == len(keys)
    assert all(key["kty"] != "oct" and PRIVATE_MEMBERS.isdisjoint(key) for key in keys)


def test_4_the_resource_says_whose_tokens_it_takes_and_a_401_points_there(dance: Dance) -> None:
    refused = dance.reads("nothing")
    where = refused.headers["www-authenticate"].partition('resource_metadata="')[2].partition('"')[0]

    said = dance.programs.get(where).json()

    assert (said["resource"], said["authorization_servers"]) == (settings.issuer, [settings.issuer])
    assert said["bearer_methods_supported"] == ["header"]


def test_5_authorize_never_lets_another_site_read_it(dance: Dance) -> None:
    path = "/oauth/authorize"
    for method in ("GET", "POST", "OPTIONS"):
        answered = dance.programs.request(method, path, headers={"origin": "https://evil.example"})
        assert not [name for name in answered.headers if name.startswith("access-control-")]


def test_metadata_answers_head_and_refuses_posts(dance: Dance) -> None:
    path = "/.well-known/oauth-authorization-server"
    refused = dance.programs.post(path, headers={"sec-fetch-site": "same-origin"})
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET")
    assert dance.programs.head(path).status_code == 200
