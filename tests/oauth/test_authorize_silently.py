"""protocol.md 17: prompt=none, an answer without a page."""

from starlette.types import ASGIApp

from app.db import sessions
from app.models.partner import AppScope
from tests import factories
from tests.oauth.dance import Dance, sent_back
from tests.pages import Browser


def test_17_prompt_none_never_shows_a_page(dance: Dance, other_browser: Browser) -> None:
    assert sent_back(dance.asks(prompt="none"))["error"] == "login_required"
    dance.signs_in()
    assert sent_back(dance.asks(prompt="none"))["error"] == "consent_required"
    assert sent_back(dance.asks(prompt="none login"))["error"] == "invalid_request"
    tokens = dance.tokens()

    silent = sent_back(dance.asks(prompt="none"))

    assert dance.redeems(silent["code"]).json()["grant_id"] == tokens["grant_id"]


def test_17_prompt_none_login_is_refused_although_nobody_is_signed_in(dance: Dance) -> None:
    assert sent_back(dance.asks(prompt="none login"))["error"] == "invalid_request"


def test_17_prompt_none_asks_again_for_a_required_scope_that_was_not_granted(
    server: ASGIApp, browser: Browser, more_scopes: None
) -> None:
    dance = Dance(server, browser, scopes=("school", "students", "students.sen"))
    tokens = dance.tokens(scope="school students")
    assert tokens["scope"] == "school"
    assert "code" in sent_back(dance.asks(prompt="none", scope="school students")), "optional: declined before"

    with sessions.begin() as db:
        db.get_one(AppScope, (dance.app.id, "students")).required = True

    assert sent_back(dance.asks(prompt="none", scope="school students"))["error"] == "consent_required"
    assert "code" in sent_back(dance.asks(prompt="none"))


def test_17_prompt_none_is_for_those_who_may_decide(dance: Dance) -> None:
    dance.tokens()
    with sessions.begin() as db:
        reader = factories.admin(db, dance.school, role="Read-only")
    dance.signs_in(reader)
    assert sent_back(dance.asks(prompt="none"))["error"] == "consent_required"
    dance.signs_in(dance.admin)
    assert "code" in sent_back(dance.asks(prompt="none"))
