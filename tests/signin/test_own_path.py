import string
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.signin.paths import own_path
from tests import factories
from tests.pages import Browser
from tests.signin.people import admin

OURS = [
    "/",
    "/school",
    "/school/apps/0198-7c?tab=1#top",
    "/register/school?by=name&q=st%20mary%2F",
    "/oauth/authorize?redirect_uri=https%3A%2F%2Fpartner.example%2Fcb",
]
FOREIGN = [
    "",
    "school",
    "//e",
    "//e.example/school",
    "///e",
    "/\\e",
    "\\\\e",
    "/\\/e",
    "/%09/e",
    "/%0a/e",
    "/%2f/e",
    "/%2F%2Fe",
    "/%5ce",
    "/%255ce",
    "/%25252f/e",
    "/%2525252525252f/e",
    "/\t/e",
    "/\n/e",
    "/ /e",
    " /school",
    "/school\x00",
    "/school\x7f",
    "/%00",
    "/%7f",
    "/%E2%80%A8",
    "/school//e",
    "/caf\u00e9",
    "https://e.example/",
    "https:/e",
    "javascript:alert(1)",
    "data:text/html,x",
    "/" + "a" * 3000,
]
HOUSE = "https://gatehouse.example"


@pytest.mark.parametrize("text", OURS)
def test_a_path_of_ours_is_kept_as_it_is(text: str) -> None:
    assert own_path(text) == text


@pytest.mark.parametrize("text", FOREIGN)
def test_what_may_lead_elsewhere_is_refused(text: str) -> None:
    assert own_path(text) is None


@given(st.text(alphabet=st.sampled_from("/\\%@:.?#259fFcCeE \t\n\x00aá"), max_size=24) | st.text(max_size=40))
def test_whatever_is_kept_stays_on_our_site_however_often_it_is_decoded(text: str) -> None:
    kept = own_path(text)
    if kept is None:
        return
    assert kept == text
    path = kept.partition("?")[0].partition("#")[0]
    for _ in range(4):
        # Browsers take a backslash for a slash, and drop tabs and line ends.
        seen = path.replace("\\", "/").replace("\t", "").replace("\r", "").replace("\n", "").strip()
        assert urlsplit(urljoin(HOUSE, seen)).netloc == "gatehouse.example"
        assert not set(path) & set("\x00\r\n\t\x7f\\")
        path = unquote(path)


@given(st.lists(st.text(alphabet=string.ascii_letters + string.digits + "-_.", min_size=1), max_size=4))
def test_ordinary_paths_are_kept(parts: list[str]) -> None:
    path = "/" + "/".join(parts)
    assert own_path(path) == path


@pytest.mark.parametrize("text", ["//e.example", "/%2f/e.example", "/\\e.example", "https://e.example/", "/sign-in"])
def test_signing_in_leads_home_when_it_was_to_lead_elsewhere(browser: Browser, text: str) -> None:
    account = admin()
    browser.opens("/sign-in?next=" + text.replace("%", "%25").replace("\\", "%5C"))
    assert not browser.document.xpath("//input[@name='next']")

    browser.posts("/sign-in", login=account.email, password=factories.PASSWORD, next=text)
    answer = browser.client.post("/sign-in/code", data={"code": factories.code()})

    assert (answer.status_code, answer.headers["location"]) == (303, "/school")


def test_signing_in_leads_to_the_page_that_was_asked_for(browser: Browser) -> None:
    account = admin()
    browser.opens("/account/password")
    assert browser.path == "/sign-in?next=%2Faccount%2Fpassword"

    browser.fills("Username or email address", account.email)
    browser.fills("Password", factories.PASSWORD)
    browser.presses("Sign in")
    browser.fills("Code from your authenticator app", factories.code())
    browser.presses("Continue")

    assert browser.path == "/account/password"
