"""A person at a browser, who acts by the words on the page. Every page that is met passes axe (WCAG 2.2 A and AA)."""

import io
import os
import re
import time
from pathlib import Path

import pyotp
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Page, expect

PICTURES = os.environ.get("GATEHOUSE_TEST_PICTURES")
PICTURE_WIDTH, PICTURE_COLOURS = 800, 32  # they are kept in the repository, so they are small
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
ONLY_FAULTS = {  # what is right is not written down: that would take as long again
    "runOnly": {"type": "tag", "values": RULES},
    "resultTypes": ["violations"],
    "reporter": "no-passes",
}
axe = Axe()


class Person:
    """One person, one browser."""

    def __init__(self, page: Page, javascript: bool) -> None:
        self.page = page
        self.javascript = javascript

    def opens(self, address: str) -> None:
        self.page.goto(address)
        self.looks()

    def fills(self, label: str, value: str) -> None:
        self.page.get_by_label(label, exact=True).fill(value)

    def ticks(self, label: str) -> None:
        self.page.get_by_label(label).first.check()

    def presses(self, words: str) -> None:
        self.page.get_by_role("button", name=words, exact=True).first.click()
        self.looks()

    def follows(self, words: str) -> None:
        self.page.locator("a", has_text=words).first.click()  # one that looks like a button has that role
        self.looks()

    def looks(self) -> None:
        """Wait for the page, and hold it against the accessibility rules."""
        self.page.wait_for_load_state()
        if not self.javascript:
            return  # axe is a script itself; the same pages pass it in the run with JavaScript
        page = re.sub(r"[0-9a-f-]{20,}|\d+", "", self.page.content())
        if page in _passed:
            return  # the same but for ids and numbers
        found = axe.run(self.page, options=ONLY_FAULTS)
        assert found.violations_count == 0, f"{self.page.url}\n{found.generate_report()}"
        _passed.add(page)

    def sees(self, *words: str) -> None:
        for some in words:
            expect(self.page.locator("body")).to_contain_text(some)

    def reads(self, element_id: str) -> str:
        return (self.page.locator(f"#{element_id}").text_content() or "").strip()

    def signs_in(self, issuer: str, login: str, password: str, totp_secret: str) -> None:
        """From the sign-in page to the end of the second step."""
        if not self.page.url.startswith(f"{issuer}/sign-in"):
            self.opens(f"{issuer}/sign-in")
        self.fills("Username or email address", login)
        self.fills("Password", password)
        self.presses("Sign in")
        self.fills("Code from your authenticator app", totp(totp_secret))
        self.presses("Continue")

    def pictures(self, name: str) -> None:
        """Keep a picture of the whole page, when the run was asked for pictures."""
        if PICTURES and self.javascript:
            picture = Image.open(io.BytesIO(self.page.screenshot(full_page=True))).convert("RGB")
            size = (PICTURE_WIDTH, picture.height * PICTURE_WIDTH // picture.width)
            small = picture.resize(size, Image.Resampling.LANCZOS) if picture.width > PICTURE_WIDTH else picture
            Path(PICTURES).mkdir(parents=True, exist_ok=True)
            few = small.quantize(PICTURE_COLOURS, dither=Image.Dither.NONE)
            few.save(f"{PICTURES}/{name}.png", optimize=True)

    @property
    def path(self) -> str:
        return re.sub(r"^https?://[^/]+", "", self.page.url)


def totp(secret: str) -> str:
    """What an authenticator app shows, on a time step that this run has not used yet: each works only once."""
    step = max(int(time.time()) // 30, _last_step.get(secret, 0) + 1)
    while step > int(time.time()) // 30 + 1:  # the server accepts one step ahead
        time.sleep(0.5)
    _last_step[secret] = step
    return pyotp.TOTP(secret).at(step * 30)


_last_step: dict[str, int] = {}
_passed: set[str] = set()  # pages that axe has found nothing wrong with
