from tests.pages import Browser


def test_an_unknown_host_is_refused(browser: Browser) -> None:
    assert browser.client.get("/", headers={"host": "evil.example"}).status_code == 400
    assert browser.client.get("/").status_code == 200
