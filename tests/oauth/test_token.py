"""protocol.md, Token: 33 to 46."""

from tests.oauth.dance import Dance, refusal


def test_33_the_token_response_says_everything_the_partner_needs(dance: Dance) -> None:
    answered = dance.redeems(dance.code())

    body = answered.json()
    assert answered.status_code == 200
    assert answered.headers["cache-control"] == "no-store"
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 600, "school")
    assert body["access_token"].startswith("gh_at_") and body["refresh_token"].startswith("gh_rt_")
    assert body["school"] == {
        "urn": dance.school.urn,
        "dfe_number": "888/0001",
        "name": dance.school.name,
        "status": "Verified",
    }
    assert dance.reads(body["access_token"]).json() == {"school": str(dance.school.id)}


def test_34_a_code_replayed_by_its_client_kills_what_it_led_to(dance: Dance) -> None:
    code = dance.code()
    first = dance.redeems(code).json()
    assert dance.reads(first["access_token"]).status_code == 200

    assert refusal(dance.redeems(code)) == (400, "invalid_grant")

    assert dance.reads(first["access_token"]).status_code == 401
    assert refusal(dance.refreshes(first["refresh_token"])) == (400, "invalid_grant")
    again = dance.tokens()
    assert dance.reads(again["access_token"]).status_code == 200
