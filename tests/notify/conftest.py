"""A mail server of their own for the tests of the outbox."""

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from app.settings import settings
from tests.notify import hook_server
from tests.notify.hook_server import Hook
from tests.notify.mail_server import Inbox, listening


@pytest.fixture
def inbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Inbox]:
    """A mail server that SMTP_URL points to."""
    with listening() as (opened, address):
        monkeypatch.setattr(settings, "smtp_url", SecretStr(f"smtp://{address}"))
        yield opened


@pytest.fixture
def hook() -> Iterator[Hook]:
    """A partner's server that webhooks go to."""
    with hook_server.listening() as opened:
        yield opened
