"""Tests that leak on purpose, run by test_logs.py alone: each must fail, but for the last."""

import logging
import subprocess
import sys

import structlog
from starlette.types import ASGIApp

from app.secrets import hash_password, new_secret
from tests.oauth.dance import Dance
from tests.pages import Browser


def test_leak_on_standard_error() -> None:
    print(f"refreshing with {new_secret('gh_rt')}", file=sys.stderr)


def test_leak_by_the_standard_logging_cut_off() -> None:
    logging.getLogger("httpx").warning("sent %s", new_secret("gh_at")[10:])


def test_leak_of_a_password_that_no_pattern_knows(server: ASGIApp) -> None:
    password = "Tulip-Harbour-29-quiet"
    hash_password(password)
    structlog.get_logger().error("wrong password", typed=password)


def test_leak_of_another_process() -> None:
    says = "import sys; sys.stderr.write('gh_at_' + 'Qx9' * 14)"
    subprocess.run([sys.executable, "-c", says], check=True)


def test_leak_of_what_was_sent(server: ASGIApp, browser: Browser) -> None:
    dance = Dance(server, browser)
    dance.redeems("gh_ac_nothing")
    print(f"compared {dance.verifier}", file=sys.stderr)


def test_no_leak_where_it_is_masked(server: ASGIApp) -> None:
    structlog.get_logger().error("odd", token=new_secret("gh_at"), address=f"/x?code={new_secret('gh_ac')}")
