"""A mail server of their own for the tests of the outbox."""

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from app.settings import settings
from tests.notify.mail_server import Inbox, listening


@pytest.fixture
def inbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Inbox]:
    """A mail server that SMTP_URL points to."""
    with listening() as (opened, address):
        monkeypatch.setattr(settings, "smtp_url", SecretStr(f"smtp://{address}"))
        yield opened
