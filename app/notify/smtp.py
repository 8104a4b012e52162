"""Mail by SMTP (RFC 5321): plain text, with the same words as HTML beside it."""

import smtplib
import ssl
import uuid
from contextlib import suppress
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from functools import cache
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from jinja2 import Environment, FileSystemLoader, Template

from app.models.base import now
from app.notify.content import Content, Undeliverable
from app.settings import ROOT, settings

TIMEOUT_SECONDS = 10  # of each exchange with the server, about ten a mail


def send(url: str, content: Content, message_id: uuid.UUID) -> None:
    """Hand one mail to the server at `url`.

    Raises Undeliverable when the server refuses this address or this mail for good; anything else that it raises is
    worth another try. `smtps://` is TLS from the start, `smtp+starttls://` insists on STARTTLS (RFC 3207), `smtp://`
    uses it where the server offers it. A password is never sent in the clear, except to this machine.
    """
    where = urlsplit(url)
    host = where.hostname or "localhost"
    context = ssl.create_default_context()
    if where.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, where.port or 465, timeout=TIMEOUT_SECONDS, context=context)
    else:
        server = smtplib.SMTP(host, where.port or 587, timeout=TIMEOUT_SECONDS)
    try:
        server.ehlo()
        if where.scheme == "smtp+starttls" or (where.scheme == "smtp" and server.has_extn("starttls")):
            server.starttls(context=context)
            server.ehlo()
        if where.username:
            if not isinstance(server.sock, ssl.SSLSocket) and not _is_this_machine(host):
                raise ConnectionError(f"{host} offers no TLS, so the password was not sent")
            server.login(unquote(where.username), unquote(where.password or ""))
        _hand_over(server, letter(content, message_id))
    finally:
        with suppress(OSError):  # once the mail is accepted, a failing farewell must not send it again
            server.quit()
        server.close()


def _hand_over(server: smtplib.SMTP, mail: EmailMessage) -> None:
    try:
        server.send_message(mail)
    except smtplib.SMTPRecipientsRefused as refused:
        answer = next(iter(refused.recipients.values()))
        if answer[0] >= 500:
            raise Undeliverable(str(answer)) from refused
        raise
    except smtplib.SMTPDataError as refused:
        if refused.smtp_code >= 500:
            raise Undeliverable(str(refused)) from refused
        raise


def letter(content: Content, message_id: uuid.UUID) -> EmailMessage:
    """The mail itself. A line break in an address or a subject cannot begin a header: both are refused or folded."""
    sender_name, sender = parseaddr(settings.mail_from)
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address(sender_name, addr_spec=sender)
    try:
        mail["To"] = Address(addr_spec=content.to)
    except Exception as wrong:
        raise Undeliverable("that is not an e-mail address") from wrong
    mail["Subject"] = " ".join(content.subject.split())
    mail["Date"] = format_datetime(now())
    mail["Message-ID"] = f"<{message_id}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answering machine should reply
    mail.set_content(content.text)
    mail.add_alternative(as_html(content), subtype="html")
    return mail


def as_html(content: Content) -> str:
    """The same words as paragraphs, everything escaped, its links clickable."""
    return _html().render(subject=content.subject, paragraphs=content.paragraphs, links=content.links)


@cache
def _html() -> Template:
    made = Environment(loader=FileSystemLoader(ROOT / "templates/mail"), autoescape=True, trim_blocks=True)
    return made.get_template("mail.html")


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
