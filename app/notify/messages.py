"""Every message that Gatehouse writes: one function each, its words in `templates/mail/`.

All are called inside the transaction that gives cause for the message. The first line of a template is the subject.
Links start with the ISSUER setting and never with what a request claims. Texts carry no secret but the single-use link.
"""

import re
import uuid
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

from app.db import Session
from app.models.access_case import AccessCase
from app.models.account import ADMIN, DPO, Account, Membership
from app.models.authorisation import Authorisation
from app.models.contact import Welcome
from app.models.invitation import Invitation
from app.models.partner import App
from app.models.receipt import DeletionRequest
from app.models.school import School
from app.models.scope import SCOPES
from app.notify.wording import mail, sms
from app.settings import settings
from app.web.pages import duration

CASE_STATES = (
    *("Called", "Confirmed", "Letter sent", "New code", "Waiting for school", "Approved", "Rejected"),
    *("Suspended", "Resumed", "Closed"),
)


def verification_link(db: Session, *, name: str, email: str, school_name: str, link: str) -> None:
    """To the registrant: follow this link to go on. Nothing of the sender's choosing is in it but a plain name."""
    lasts = duration(settings.verification_link_seconds)
    mail(db, "verification_link", email, [link], name=name, school_name=school_name, link=link, lasts=lasts)


def school_registered(db: Session, account: Account, school: School) -> None:
    """To the new Estab Admin: what happens next, and how to say that it was not them."""
    link = f"{settings.issuer}/sign-in"
    mail(db, "school_registered", account.email, [link], account=account, school=school, link=link)


def access_asked(db: Session, school: School, *, name: str, email: str) -> None:
    """To every Estab Admin of a school: somebody asks to be let in. Decided by them, outside this message."""
    for account in Account.of_school(db, school.id, ADMIN):
        mail(db, "access_asked", account.email, account=account, school=school, name=name, email=email)


def case_changed(db: Session, school: School, state: str, reason: str = "") -> None:
    """To every Estab Admin: their school's registration moved to `state`, one of `CASE_STATES`."""
    if state not in CASE_STATES:
        raise ValueError(f"no message about {state!r}")
    path = {"Approved": "/school", "Resumed": "/school", "Rejected": "/register/school"}.get(state, "/register/next")
    link = f"{settings.issuer}{path}"
    links = [] if state in ("Suspended", "Closed") else [link]
    for account in Account.of_school(db, school.id, ADMIN):
        facts = {"account": account, "school": school, "state": state, "reason": reason.strip(), "link": link}
        mail(db, "case_changed", account.email, links, **facts)


def account_changed(db: Session, account: Account, what: str) -> None:
    """To a person: something about signing in changed. `what` is a full clause, such as "your password was changed"."""
    mail(db, "account_changed", account.email, account=account, what=what.strip().rstrip("."))


def reset_code(db: Session, mobile: str, code: str) -> None:
    """By text: the code to choose another password with."""
    sms(db, "reset_code", mobile, code=code)


def mobile_code(db: Session, mobile: str, code: str) -> None:
    """By text to a new number: the code that shows that the number is theirs."""
    sms(db, "mobile_code", mobile, code=code)


def contact_proof(db: Session, account: Account, email: str, link: str) -> None:
    """To a new address: this link shows that it is theirs."""
    mail(db, "contact_proof", email, [link], account=account, link=link)


def contact_asked(db: Session, account: Account, kind: str, stop: str) -> None:
    """To the address until now: another "email" or "mobile" is wanted, and `stop` is the link that prevents it."""
    lasts = duration(settings.contact_change_seconds)
    mail(db, "contact_asked", account.email, [stop], account=account, kind=kind, link=stop, lasts=lasts)


def contact_changed(db: Session, account: Account, kind: str, to: Iterable[str]) -> None:
    """To the address until now, and a new one: the account has another "email" or "mobile"."""
    for email in to:
        mail(db, "contact_changed", email, account=account, kind=kind)


def contact_stopped(db: Session, account: Account) -> None:
    """To the address that stays: the change was stopped, and what to do now."""
    link = f"{settings.issuer}/reset"
    mail(db, "contact_stopped", account.email, [link], account=account, link=link)


def authorisation_changed(
    db: Session,
    school: School,
    app: App,
    authorisation: Authorisation,
    what: str,
    *,
    ended: Sequence[str] = (),
    receipt: uuid.UUID | None = None,
) -> None:
    """To every Admin and the DPO: what an app may read has changed. Leads to the `receipt`, which needs signing in.

    `what` is "granted", "narrowed" (it may no longer read the scopes in `ended`), "revoked" or "returned".
    """
    link = f"{settings.issuer}/school"
    receipt_link = f"{settings.issuer}/school/receipts/{receipt}" if receipt else ""
    titles = [SCOPES[name].title for name in authorisation.scopes if name in SCOPES]
    stopped = [SCOPES[name].title for name in ended if name in SCOPES]
    links = [link, receipt_link] if receipt_link else [link]
    for account in _deciders_and_dpo(db, school):
        facts = {"account": account, "school": school, "app": app, "titles": titles, "stopped": stopped}
        facts |= {"link": link, "receipt_link": receipt_link, "until": authorisation.expires_at}
        facts["resumes_on"] = authorisation.resumes_on
        mail(db, f"authorisation_{what}", account.email, links, **facts)


def authorisation_ending(db: Session, school: School, authorisation: Authorisation, days: int) -> None:
    """To every Admin and the DPO: an authorisation ends within so many days, unless it is renewed."""
    link = f"{settings.issuer}/school/apps/{authorisation.id}"
    titles = [SCOPES[name].title for name in authorisation.scopes if name in SCOPES]
    for account in _deciders_and_dpo(db, school):
        facts = {"account": account, "school": school, "app": authorisation.app, "titles": titles, "days": days}
        until = authorisation.expires_at
        mail(db, "authorisation_ending", account.email, [link], link=link, until=until, **facts)


def school_frozen(db: Session, school: School, by: Account, *, frozen: bool, reason: str, apps: int) -> None:
    """To every Admin and the DPO: somebody at the school stopped every app at once, or let them go on."""
    link = f"{settings.issuer}/school"
    for account in _deciders_and_dpo(db, school):
        facts = {"account": account, "school": school, "by": by, "reason": reason, "apps": apps, "frozen": frozen}
        mail(db, "authorisation_frozen", account.email, [link], link=link, **facts)


def deletion_requested(
    db: Session, to: Iterable[str], school: School, app: App, request: DeletionRequest, *, overdue: bool = False
) -> None:
    """To a partner: a school wants deleted what an app has read; or, once, that the day for it has passed."""
    link = f"{settings.issuer}/partners/deletions/{request.id}"
    template = "deletion_overdue" if overdue else "deletion_requested"
    for email in to:
        mail(db, template, email, [link], school=school, app=app, due_on=request.due_on, link=link)


def deletion_late(db: Session, school: School, given: Authorisation, request: DeletionRequest) -> None:
    """To every Admin and the DPO: a partner has not said in time that it deleted what it read."""
    _of_deletion(db, "deletion_late", school, given, request)


def deletion_attested(db: Session, school: School, given: Authorisation, request: DeletionRequest) -> None:
    """To every Admin and the DPO: a partner says that it has deleted. Its own words are on the page, not here."""
    _of_deletion(db, "deletion_attested", school, given, request)


def welcome(db: Session, to: Welcome, home: str, link: str, by: Account | None) -> None:
    """To one more person of a school, a partner or the team, whose name is `home`: this link lets you in."""
    mail(db, "welcome", to.email, [link], welcome=to, home=home, link=link, by=by)


def people_changed(
    db: Session, school: School, what: str, about: Account | Welcome, *, role: str = "", by: Account | None = None
) -> None:
    """To every Admin, and the person with an account: somebody was "welcomed", "joined", "withdrawn", "removed", or
    has another "role"."""
    told = Account.of_school(db, school.id, ADMIN) + ([about] if isinstance(about, Account) else [])
    for account in {account.email: account for account in told}.values():
        facts: dict[str, Any] = {"school": school, "what": what, "about": about.name, "role": role, "by": by}
        mail(db, "people_changed", account.email, account=account, **facts)


def invitation(db: Session, invitation: Invitation, school_name: str, link: str, kind: str) -> None:
    """To the contact that a partner, or somebody at the school, named: "new", "forwarded", or a "reminder" of either.

    Nothing of the sender's choosing is in it but a plain name.
    """
    titles = [SCOPES[name].title for name in invitation.scopes if name in SCOPES]
    facts = {"invitation": invitation, "school_name": school_name, "titles": titles, "kind": kind, "link": link}
    mail(db, "invitation", invitation.contact_email, [link], **facts)


def access_case_opened(db: Session, case: AccessCase, school: School, link: str) -> None:
    """To whoever asks for a second step or an Admin to be replaced: the link to the page with the code."""
    mail(db, "access_opened", case.email, [link], case=case, school=school, link=link)


def access_case_approved(db: Session, case: AccessCase, school: School, link: str) -> None:
    """To everybody concerned: it happens unless you stop it by this link."""
    _to_concerned(db, "access_approved", case, school, link)


def access_case_ended(db: Session, case: AccessCase, school: School) -> None:
    """To everybody concerned: it was done, stopped or refused."""
    _to_concerned(db, "access_ended", case, school)


def _to_concerned(db: Session, template: str, case: AccessCase, school: School, link: str = "") -> None:
    about = db.get(Account, case.account_id) if case.account_id else None
    told = {case.email: case.name} | ({about.email: about.name} if about else {})
    others = [held.school_id for held in Membership.of(db, about.id)] if about else []
    for school_id in dict.fromkeys([school.id, *filter(None, others)]):  # a second step opens all of a person's schools
        for account in Account.of_school(db, school_id, ADMIN) + Account.of_school(db, school_id, DPO):
            told[account.email] = account.name
    facts: dict[str, Any] = {"case": case, "school": school, "link": link, "about": about}
    for email, name in told.items():
        mail(db, template, email, [link] if link else [], name=name, **facts)


def webhook_stopped(db: Session, app: App, people: Sequence[Account], url: str, *, gone: bool) -> None:
    """To a partner: a webhook has failed for a day, or (`gone`) ended because its address said so.

    Its people are written to; where it has none, the contact that it gave for breaches.
    """
    host = urlsplit(url).hostname or ""
    link = f"{settings.issuer}/partners/apps/{app.id}/webhooks"
    for email, name in _of_partner(app, people):
        mail(db, "webhook_stopped", email, [link], name=name, app=app, host=host, gone=gone, link=link)


def secret_not_taken(db: Session, app: App, people: Sequence[Account], url: str) -> None:
    """To a partner: the secret of a school has not reached the authorisation callback in three days."""
    host = urlsplit(url).hostname or ""
    link = f"{settings.issuer}/partners/apps/{app.id}/groupcall"
    for email, name in _of_partner(app, people):
        mail(db, "secret_not_taken", email, [link], name=name, app=app, host=host, link=link)


def _of_partner(app: App, people: Sequence[Account]) -> Iterable[tuple[str, str]]:
    """Address and name of a partner's people; where it has none, the contact that it gave for breaches."""
    contact = app.partner.breach_contact or ""
    reached = {account.email: account.name for account in people}
    if not reached and re.fullmatch(r"[^@\s]+@[^@\s]+", contact):
        reached = {contact: ""}
    return reached.items()


def partner_told(db: Session, people: Sequence[Account], about: str, what: str, reason: str) -> None:
    """To a partner's people: `what` we decided `about` it or its app, such as "live_approved", and our reason."""
    link = f"{settings.issuer}/partners"
    for account in people:
        facts = {"account": account, "about": about, "what": what, "reason": reason, "link": link}
        mail(db, "partner_told", account.email, [link], **facts)


def support_request(db: Session, *, school: School | None, name: str, email: str, text: str) -> None:
    """To our support: a question written in a form. The answer goes to the address inside it."""
    mail(db, "support_request", settings.support_email, school=school, name=name, email=email, text=text)


def _of_deletion(db: Session, template: str, school: School, given: Authorisation, request: DeletionRequest) -> None:
    link = f"{settings.issuer}/school/apps/{given.id}"
    for account in _deciders_and_dpo(db, school):
        facts = {"account": account, "school": school, "app": given.app, "due_on": request.due_on, "link": link}
        mail(db, template, account.email, [link], **facts)


def _deciders_and_dpo(db: Session, school: School) -> list[Account]:
    """Every Admin and the DPO, each address once."""
    found: dict[str, Account] = {}
    for account in Account.of_school(db, school.id, ADMIN) + Account.of_school(db, school.id, DPO):
        found.setdefault(account.email, account)
    return list(found.values())
