"""The words of the quick start are run as they stand on the page, against a real server, and a school says yes."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest

from tests.developers.conftest import Site
from tests.pages import Browser


@pytest.fixture
def secretary(site: Site) -> Iterator[Browser]:
    """The browser of the Estab Admin, at the real server."""
    with Browser(site.issuer) as browser:
        yield browser


class Pasted:
    """A program of the page, pasted together after its settings, and then run beside the school's browser."""

    def __init__(self, site: Site, secretary: Browser, folder: Path) -> None:
        self.site, self.secretary, self.folder = site, secretary, folder
        secretary.opens("/developers/quick-start")
        self.page = secretary.document

    def block(self, element_id: str) -> str:
        return str(self.page.get_element_by_id(element_id).text_content())

    def settings(self) -> str:
        """The first block with what the reader has to fill in."""
        app = self.site.app
        ours = {
            "<client_id>": app["client_id"],
            "<client_secret>": app["client_secret"],
            "<redirect_uri>": app["redirect_uris"][0],
        }
        text = self.block("settings")
        assert self.site.issuer in text
        for placeholder, value in ours.items():
            assert text.count(placeholder) == 1
            text = text.replace(placeholder, value)
        return text

    def runs(self, command: str) -> str:
        """What the program printed, after the settings, up to its good end; the school authorises meanwhile."""
        script = f"{self.settings()}\n{command}\n"
        running = subprocess.Popen(
            ["sh", "-eu", "-c", script],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"]},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            assert running.stdout is not None
            said = []
            for line in running.stdout:
                said.append(line)
                if line.startswith(f"{self.site.issuer}/oauth/authorize?"):
                    break
            assert said and said[-1].startswith("http"), "".join(said)
            rest, _ = running.communicate(f"{self.authorises(said[-1].strip())}\n", timeout=60)
        finally:
            running.kill()
            running.wait()
        assert running.returncode == 0, "".join(said) + rest
        return rest

    def authorises(self, address: str) -> str:
        """Sign in and say yes; where the browser was sent to."""
        self.secretary.opens(address)
        admin = self.site.school["admin"]
        self.secretary.follows("Sign in")
        self.secretary.fills("Username or email address", admin["username"])
        self.secretary.fills("Password", admin["password"])
        self.secretary.presses("Sign in")
        self.secretary.fills("Code from your authenticator app", unused_code(admin["totp_secret"]))
        self.secretary.presses("Continue")
        self.secretary.presses("Authorise")
        return self.secretary.left_to


@pytest.fixture
def pasted(site: Site, secretary: Browser, tmp_path: Path) -> Pasted:
    return Pasted(site, secretary, tmp_path)


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("openssl")), reason="curl or OpenSSL is not installed")
def test_the_curl_blocks_read_a_school(site: Site, pasted: Pasted) -> None:
    said = pasted.runs("\n".join(pasted.block(f"curl-{number}") for number in (1, 2, 3, 4)))

    assert said.count(f'"identifier":"{site.school["urn"]}"') == 2, said


def test_the_python_program_reads_a_school(site: Site, pasted: Pasted) -> None:
    (pasted.folder / "quick_start.py").write_text(pasted.block("python"))

    said = pasted.runs(f"{sys.executable} quick_start.py")

    assert f"'identifier': '{site.school['urn']}'" in said
    assert said.rstrip().endswith(f"\n{site.school['name']}")


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
def test_the_node_program_reads_a_school(site: Site, pasted: Pasted) -> None:
    (pasted.folder / "quick_start.mjs").write_text(pasted.block("node"))

    said = pasted.runs("node quick_start.mjs")

    assert f"identifier: '{site.school['urn']}'" in said
    assert said.rstrip().endswith(f"\n{site.school['name']}")


def unused_code(secret: str) -> str:
    """Of a time step that this run has not used yet: each works only once."""
    step = max(int(time.time()) // 30, _last_step.get(secret, 0) + 1)
    while step > int(time.time()) // 30 + 1:  # the server accepts one step ahead
        time.sleep(0.5)
    _last_step[secret] = step
    return pyotp.TOTP(secret).at(step * 30)


_last_step: dict[str, int] = {}
