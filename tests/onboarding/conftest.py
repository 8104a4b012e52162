from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from starlette.types import ASGIApp

from app.models.account import APPROVER, CALLER, OPERATOR_ADMIN, Account
from tests.factories import signs_in
from tests.onboarding.people import Opens, operator
from tests.pages import Browser


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
    """`as_(caller)` gives a browser in which that person is signed in."""
    with ExitStack() as open_browsers:

        def opens(who: Account) -> Browser:
            browser = open_browsers.enter_context(Browser(server))
            signs_in(browser, who)
            return browser

        yield opens
