"""The words of the quick start are run as they stand on the page, against a real server, and a school says yes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from lxml import html

from app.settings import ROOT
from tests.clients.site import Site
from tests.pages import Browser

pytestmark = pytest.mark.once
CURL = pytest.mark.skipif(
    not (shutil.which("curl") and shutil.which("openssl")), reason="curl or OpenSSL is not installed"
)


class Pasted:
    """What a reader takes from the page, and runs in a folder of their own."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.site, self.folder = site, folder
        self.page: Any = html.document_fromstring(httpx2.get(f"{site.issuer}/developers/quick-start").text)

    def block(self, element_id: str) -> str:
        return str(self.page.get_element_by_id(element_id).text_content())

    def settings(self) -> str:
        """The first block with what the reader has to fill in."""
        app = self.site.app("reading-room")
        ours = {
            "<client_id>": app["client_id"],
            "<client_secret>": app["client_secret"],
            "<redirect_uri>": app["redirect_uris"][0],
        }
        text = self.block("settings")
        for placeholder, value in ours.items():
            assert text.count(placeholder) == 1
            text = text.replace(placeholder, value)
        return text

    def runs(self, command: str) -> str:
        """What the program prints, to its good end, after the school has authorised."""
        with subprocess.Popen(
            ["sh", "-eu", "-c", f"{self.settings()}\n{command}\n"],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"]},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as running:
            try:
                said = self._up_to_the_address(running)
                home = self.site.school.authorises(said[-1].strip())
                rest, _ = running.communicate(f"{home}\n", timeout=60)
            finally:
                running.kill()
        assert running.returncode == 0, rest
        return rest

    def _up_to_the_address(self, running: "subprocess.Popen[str]") -> list[str]:
        assert running.stdout is not None
        said = []
        for line in running.stdout:
            said.append(line)
            if line.startswith(f"{self.site.issuer}/oauth/authorize?"):
                return said
        raise AssertionError("".join(said))


@pytest.fixture
def pasted(site: Site, tmp_path: Path) -> Pasted:
    return Pasted(site, tmp_path)


@CURL
def test_the_curl_blocks_read_a_school(site: Site, pasted: Pasted) -> None:
    said = pasted.runs("\n".join(pasted.block(f"curl-{number}") for number in (1, 2, 3, 4)))

    assert said.count(f'"identifier":"{site.school.urn}"') == 2, said


@CURL
def test_the_other_calls_go_on_from_the_curl_blocks(site: Site, pasted: Pasted) -> None:
    blocks = ["curl-1", "curl-2", "curl-3", "introspect", "look-up", "revoke", "introspect", "give-back", "look-up"]
    scopes: Any = html.document_fromstring(httpx2.get(f"{site.issuer}/developers/scopes").text)
    by_urn, other = scopes.get_element_by_id("filter").text_content(), "999999"
    commands = [pasted.block(block) for block in blocks]
    commands[3:3] = [by_urn.replace("100001", other), by_urn.replace("100001", str(site.school.urn))]

    said = pasted.runs("\n".join(commands))

    assert said.count('"orgs":[]') == 1 and said.count(f'"identifier":"{site.school.urn}","type"') == 2, said
    for field in ("scope", "exp", "client_id", "grant_id", "school_status", "authorisation_status"):
        assert f'"{field}":' in said
    assert said.count('"active":true') == 1 and said.count('"active":false') == 1
    assert said.count('"status":"active"') >= 1 and said.count('"status":"revoked"') == 1
    assert "204\n" in said


@CURL
@pytest.mark.parametrize(
    "answer", ["error=access_denied&state=S&iss=I", "code=c&state=T&iss=I", "code=c&state=S&iss=J"]
)
def test_the_curl_blocks_stop_at_an_answer_that_is_not_a_code_for_them(pasted: Pasted, answer: str) -> None:
    """S and I stand for the request's own state and issuer."""

    def exchanged(query: str) -> "subprocess.CompletedProcess[str]":
        back = "http://here/?" + query.replace("iss=I", f"iss={quote(pasted.site.issuer, safe='')}")
        text = f"{pasted.settings()}\nVERIFIER=v STATE=S ANSWER='{back}'\n{pasted.block('curl-2')}"
        environment = {"PATH": os.environ["PATH"]}
        return subprocess.run(["sh", "-eu", "-c", text], env=environment, capture_output=True, text=True, check=False)

    stopped = exchanged(answer)
    assert stopped.returncode == 1
    assert stopped.stdout.startswith("Stop here. The browser came back with: http://here/?")

    went_on = exchanged("code=c&state=S&iss=I")
    assert went_on.returncode == 0 and "invalid_grant" in went_on.stdout, went_on


def test_the_python_program_reads_a_school(site: Site, pasted: Pasted) -> None:
    (pasted.folder / "quick_start.py").write_text(pasted.block("python"))

    said = pasted.runs(f"{sys.executable} quick_start.py")

    assert f"'identifier': '{site.school.urn}'" in said
    assert said.endswith(f"\n{site.school.name}\n")


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
def test_the_node_program_reads_a_school(site: Site, pasted: Pasted) -> None:
    (pasted.folder / "quick_start.mjs").write_text(pasted.block("node"))

    said = pasted.runs("node quick_start.mjs")

    assert f"identifier: '{site.school.urn}'" in said
    assert said.endswith(f"\n{site.school.name}\n")


def test_what_an_operator_types_makes_a_test_app(browser: Browser) -> None:
    browser.opens("/developers/test-apps")
    typed = browser.document.get_element_by_id("add-app").text_content()
    gatehouse = f'gatehouse() {{ {sys.executable} -m app "$@"; }}'

    said = subprocess.check_output(["sh", "-eu", "-c", f"{gatehouse}\n{typed}"], cwd=ROOT, text=True)

    assert "Your App is an app of Your Company Ltd now (Test)." in said
    assert "client_secret  gh_cs" in said
