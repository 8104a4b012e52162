from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from starlette.types import ASGIApp

from app.db import sessions
from app.models.account import APPROVER, CALLER, DPO, OPERATOR_ADMIN, Account
from app.models.school import VERIFIED
from tests import factories
from tests.factories import signs_in
from tests.onboarding.access import BOSS
from tests.onboarding.people import Opens, operator
from tests.pages import Browser
from tests.partners.people import proves


@pytest.fixture
def caller() -> Account:
    return operator(CALLER)


@pytest.fixture
def approver() -> Account:
    return operator(APPROVER)


@pytest.fixture
def chief() -> Account:
    """An operator with the role admin."""
    return operator(OPERATOR_ADMIN)


@pytest.fixture
def as_(server: ASGIApp) -> Iterator[Opens]:
    """`as_(caller)` gives a browser in which that person is signed in, and proved a moment ago who they are."""
    with ExitStack() as open_browsers:

        def opens(who: Account) -> Browser:
            browser = open_browsers.enter_context(Browser(server))
            signs_in(browser, who)
            proves(who)
            return browser

        yield opens


@pytest.fixture
def boss() -> Account:
    """The only Admin of a Verified school, which has a DPO too."""
    with sessions.begin() as db:
        school = factories.school(db, status=VERIFIED)
        factories.admin(db, school, DPO, email="dpo@madeup-primary.sch.example", name="Dana Protector")
        return factories.admin(db, school, email=BOSS, name="Bea Boss")
