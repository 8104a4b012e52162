"""SMTP with and without TLS, against a real server."""

import pytest
from pydantic import SecretStr

from app.notify.outbox import deliver_due
from app.settings import settings
from tests.notify.mail_server import certificate, knows, listening
from tests.notify.messages import make_due, rows, write


def test_starttls_is_used_where_offered_and_the_certificate_is_checked(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, trusted = certificate(tmp_path)
    secure = {"tls_context": context, "auth_required": True, "authenticator": knows(b"me@x", b"p/w")}
    with listening(**secure) as (inbox, address):
        monkeypatch.setattr(settings, "smtp_url", SecretStr(f"smtp+starttls://me%40x:p%2Fw@{address}"))
        write()
        assert deliver_due() == 0
        assert "certificate" in (rows()[0].last_error or "").lower()

        monkeypatch.setenv("SSL_CERT_FILE", trusted)
        make_due(rows()[0])
        assert deliver_due() == 1
        assert inbox.was_encrypted == [True]


def test_tls_from_the_start(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    context, trusted = certificate(tmp_path)
    with listening(ssl_context=context) as (inbox, address):
        monkeypatch.setenv("SSL_CERT_FILE", trusted)
        monkeypatch.setattr(settings, "smtp_url", SecretStr(f"smtps://{address}"))
        write()
        assert deliver_due() == 1
        assert len(inbox.mails) == 1


def test_a_server_without_tls_is_refused_where_starttls_is_insisted_on(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening() as (inbox, address):
        monkeypatch.setattr(settings, "smtp_url", SecretStr(f"smtp+starttls://{address}"))
        write()
        assert deliver_due() == 0
        monkeypatch.setattr(
            settings, "smtp_url", SecretStr(f"smtp://me:secret@{address.replace('127.0.0.1', '0.0.0.0')}")
        )
        make_due(rows()[0])
        assert deliver_due() == 0
        assert "no TLS" in (rows()[0].last_error or "") and "secret" not in (rows()[0].last_error or "")
        assert inbox.mails == []

        monkeypatch.setattr(settings, "smtp_url", SecretStr(f"smtp://{address}"))
        make_due(rows()[0])
        assert deliver_due() == 1
