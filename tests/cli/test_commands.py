"""The command line: one sentence out, exit 1 for what failed, and no traceback."""

import json
import os
import re
import socket
import subprocess
import sys

import pytest

from app.settings import ROOT, Settings
from tests.conftest import POSTGRES, WORKER

KEY = "0123456789abcdef" * 2
SAFE = {
    "GATEHOUSE_ENVIRONMENT": "production",
    "GATEHOUSE_ISSUER": "https://gatehouse.example",
    "GATEHOUSE_SECRET_KEYS": json.dumps([KEY]),
    "GATEHOUSE_SMTP_URL": "smtp://localhost",
}


def gatehouse(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "app", *arguments]
    return subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False)


def test_a_revision_that_does_not_exist_is_refused_in_a_line() -> None:
    refused = gatehouse("db", "upgrade", "bogus")
    assert refused.returncode == 1
    assert "Nothing was changed" in refused.stderr and "Traceback" not in refused.stderr

    assert gatehouse("db", "upgrade").returncode == 0


def test_a_port_that_is_taken_is_said_before_anything_else() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for command in (("serve",), ("demo",)):
            refused = gatehouse(*command, GATEHOUSE_PORT=port)
            assert refused.returncode == 1
            assert f"Port {port}" in refused.stderr and "Traceback" not in refused.stderr
            assert refused.stdout == ""


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"GATEHOUSE_ISSUER": "http://gatehouse.example"}, "ISSUER must be the https://"),
        ({"GATEHOUSE_ISSUER": "https://gatehouse.example/path"}, "a host and nothing after it"),
        ({"GATEHOUSE_SECRET_KEYS": json.dumps(["k" * 32])}, "repeats a few characters"),
        ({"GATEHOUSE_SMTP_URL": ""}, "SMTP_URL is not set"),
        ({"GATEHOUSE_SECRET_KEYS": '["short"]'}, "shorter than 32 characters"),
        ({"GATEHOUSE_SECRET_KEYS": "[]"}, "SECRET_KEYS is not set"),
    ],
)
def test_production_does_not_start_on_unsafe_settings(wrong: dict[str, str], said: str) -> None:
    refused = gatehouse("config", "check", **SAFE | wrong)
    assert refused.returncode == 1 and said in refused.stdout

    accepted = gatehouse("config", "check", **SAFE)
    assert accepted.returncode == 0 and KEY not in accepted.stdout and "smtp://localhost" not in accepted.stdout


@pytest.mark.skipif(not POSTGRES, reason="needs PostgreSQL")
def test_production_wants_a_database_user_whom_row_level_security_binds() -> None:
    plain = f"{POSTGRES.rpartition('/')[0]}/gatehouse_{WORKER}".replace("postgresql://", "postgresql+psycopg://")

    def checked(url: str) -> "subprocess.CompletedProcess[str]":
        return gatehouse("config", "check", **SAFE, GATEHOUSE_DATABASE_URL=url)

    refused = checked(plain.replace("//gatehouse@", "//postgres@"))
    assert refused.returncode == 1 and "this user of the database is a superuser" in refused.stdout
    away = checked(re.sub(r":\d+/", ":1/", plain))
    assert away.returncode == 1 and "the database does not answer" in away.stdout

    assert checked(plain).returncode == 0


def test_the_readme_names_only_settings_that_exist_and_misses_none_but_the_numbers() -> None:
    text = (ROOT / "README.md").read_text()
    table = text[text.index("| setting") : text.index("The rest (lifetimes")]
    named = {name.lower() for name in re.findall(r"`([A-Z_]+)`", table)}
    numbers = {name for name, field in Settings.model_fields.items() if field.annotation is int and "port" not in name}
    assert named >= set(Settings.model_fields) - numbers
    assert {name for name in named if name in Settings.model_fields or name == "data_dir"} == named
