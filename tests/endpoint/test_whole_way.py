"""From a school's server to its roster: the real agent, the real server and worker, each a process of its own."""

import subprocess
import time
from pathlib import Path

import pytest

from app.settings import ROOT
from tests.agent import program
from tests.clients.site import COMMAND, running
from tests.pages import Browser
from tests.roster.school_data import School


def waits_for(browser: Browser, words: str, page: str = "/school/endpoint") -> None:
    """Until the worker has got so far."""
    for _ in range(200):
        browser.opens(page)
        if words in browser.text:
            return
        time.sleep(0.1)
    raise AssertionError(f"{words!r} does not come: {browser.text[:2000]}")


@pytest.mark.once
def test_an_agent_is_let_in_sends_an_export_and_an_admin_takes_it_in(tmp_path: Path) -> None:
    export, home = tmp_path / "export", tmp_path / "agent"
    export.mkdir()
    (export / "school.zip").write_bytes(School(30).oneroster())
    with running(tmp_path / "server") as site:
        worker = subprocess.Popen([*COMMAND, "worker"], cwd=ROOT, env=site.environment)
        try:
            admin = site.school.browser
            about = {"verification_uri": f"{site.issuer}/device"}

            def approve(code: str) -> None:
                site.school.lets_in(about | {"user_code": code})

            program.enrol(home, site.issuer, export, approve)
            sent = program.once(home)
            assert sent.returncode == 0, sent.stderr

            # The demo's pupils are not in this export, so nothing changes before somebody has looked.
            waits_for(admin, "An upload waits for you")
            assert "Working" in admin.text
            held = next(a.get("href") for a in admin.document.iter("a") if "/batches/" in (a.get("href") or ""))
            admin.opens(held)
            assert "pupils would be gone" in admin.text
            admin.presses("Take it in")
            waits_for(admin, "Taken in", held)
            assert program.run(home, "status").returncode == 0

            assert program.run(home, "unenrol").returncode == 0
            waits_for(admin, "Removed")
        finally:
            worker.terminate()
            worker.wait(20)
