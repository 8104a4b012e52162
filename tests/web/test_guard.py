"""What every request passes first: host, origin of posts, size, encoding, headers."""

from collections.abc import Iterator

import pytest

from app.settings import settings
from app.web import guard
from tests.pages import Browser

pytestmark = pytest.mark.once

FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    "host", ["evil.example", "[", "[::1", "a]b", "127.0.0.1:abc", "127.0.0.1:8000, evil.example", ""]
)
def test_an_unknown_or_broken_host_is_refused(browser: Browser, host: str) -> None:
    refused = browser.client.get("/", headers={"host": host})
    assert refused.status_code == 400
    assert refused.headers["x-content-type-options"] == "nosniff"
    assert browser.client.get("/").status_code == 200


def test_health_is_answered_by_any_name(browser: Browser) -> None:
    assert browser.client.get("/health/live", headers={"host": "10.0.0.7:8000"}).json() == {"status": "alive"}


FOREIGN: list[list[tuple[str, str]]] = [
    [("sec-fetch-site", "cross-site")],
    [("sec-fetch-site", "same-site")],
    [("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")],
    [("origin", "https://evil.example")],
    [("origin", settings.issuer.replace("http:", "https:"))],
    [("origin", settings.issuer.replace("http:", "ftp:"))],
    [("origin", "null")],
    [("origin", "http://[")],
    [("referer", "http://[x")],
    [("referer", "https://evil.example/register/school")],
    [],
]


@pytest.mark.parametrize("headers", FOREIGN)
def test_a_post_from_elsewhere_is_refused(browser: Browser, headers: list[tuple[str, str]]) -> None:
    del browser.client.headers["sec-fetch-site"]
    sent = [*headers, *FORM.items()]
    assert browser.client.post("/register/school", headers=sent, content="urn=").status_code == 403

    ours = [("origin", settings.issuer), *FORM.items()]
    assert browser.client.post("/register/school", headers=ours, content="urn=").status_code == 422


def chunks(size: int) -> Iterator[bytes]:
    for _ in range(size // 10_000):
        yield b"a" * 10_000


@pytest.mark.parametrize("path", ["/sign-in", "/register/school", "/oauth/authorize", "/oauth/token"])
def test_a_body_that_does_not_say_its_size_is_cut_off_all_the_same(browser: Browser, path: str) -> None:
    refused = browser.client.post(path, headers=FORM, content=chunks(guard.BODY_LIMIT + 20_000))
    assert refused.status_code == 413

    assert browser.client.post("/register/school", headers=FORM, content=chunks(10_000)).status_code == 422


@pytest.mark.parametrize(
    "kind", ["multipart/form-data; boundary=zz; charset=unicode_escape", "application/json", "text/plain"]
)
def test_a_form_comes_in_one_encoding(browser: Browser, kind: str) -> None:
    body = b'--zz\r\nContent-Disposition: form-data; name="urn"\r\n\r\n\\ud800\r\n--zz--\r\n'
    assert browser.client.post("/register/school", headers={"content-type": kind}, content=body).status_code == 415

    assert browser.client.post("/register/school", headers=FORM, content="urn=").status_code == 422


def test_pages_carry_the_headers_that_keep_them_safe(browser: Browser) -> None:
    headers = browser.client.get("/register/school").headers
    assert "script-src 'self'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff" and headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in headers
