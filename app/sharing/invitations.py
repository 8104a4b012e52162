"""Invitations: a partner asks a school by e-mail to authorise its app. The link identifies it and authorises nobody."""

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence

from app.audit import record
from app.db import Session
from app.directory import typed
from app.errors import Problem
from app.models.base import ago, ahead
from app.models.establishment import Establishment
from app.models.invitation import AUTHORISED, CANCELLED, DECLINED, EXPIRED, FORWARDED, OPENED, SENT, Invitation
from app.models.partner import App
from app.models.school import School
from app.models.scope import SCOPES
from app.notify import messages, notices
from app.secrets import digest, new_secret
from app.settings import settings
from app.sharing.contacts import Contact, TechnicalContact, mistakes
from app.sharing.service import grant
from app.signin.session import Person

DAY = 86_400
LONGEST_CHAIN = 5
FINISH_SECONDS = 3600
PREFIX = "gh_iv"


class CannotInvite(Problem):
    """This invitation cannot be sent; `field` says what to put right."""

    status = 422
    title = "This invitation was not sent"


class TooMany(Problem):
    """The partner has sent as many as it may in a day."""

    status = 429
    title = "You have sent as many invitations as you may in a day"


class Settled(Problem):
    """Somebody was quicker: it has been answered, forwarded or withdrawn, or it has run out."""

    status = 409
    title = "This invitation has been settled meanwhile"


class EndOfChain(Problem):
    """It has been passed on too often."""

    status = 409
    title = "This invitation has been passed on as often as it can be"


def send(
    db: Session,
    *,
    app: App,
    urn_or_dfe: str,
    contact_name: str,
    contact_email: str,
    scopes: Iterable[str],
    technical: tuple[str, str] | None = None,
    reference: str | None = None,
    by: uuid.UUID | None = None,
) -> Invitation:
    """Invite a school, and mail its contact. The same `reference` of an app twice is one invitation.

    `technical` is the name and address of a technical contact; `by` the account, None for the API. Name and addresses
    are those of a `Contact`. Raises CannotInvite (422) or TooMany (429).
    """
    Invitation.queue_up(db, app.partner_id)
    if reference and (known := Invitation.with_reference(db, app.id, reference)):
        return known
    found = find(db, urn_or_dfe)
    contact = _person(Contact, contact_name, contact_email)
    expert = _person(TechnicalContact, *technical) if technical else None
    wanted = _scopes(app, scopes)
    check_app(db, app, found)
    if reference and (len(reference) > 100 or not reference.isprintable()):
        raise CannotInvite("A reference has at most 100 characters, all printable.", "reference")
    if Invitation.open_to(db, app.id, found.urn, contact.email):
        raise CannotInvite(
            "This address has an invitation for this app and school already. Remind it.", "contact_email"
        )
    if Invitation.sent_since(db, app.partner_id, ago(DAY)) >= settings.invitations_a_day:
        raise TooMany(f"That is {settings.invitations_a_day}. Send the rest tomorrow.")
    secret = new_secret(PREFIX)
    invitation = Invitation(
        app_id=app.id,
        urn=found.urn,
        scopes=wanted,
        contact_name=contact.name,
        contact_email=contact.email,
        technical_name=expert and expert.name,
        technical_email=expert and expert.email,
        reference=reference or None,
        sent_by=by,
        link_digest=digest(secret),
        expires_at=ahead(settings.invitation_days * DAY),
    )
    db.add(invitation)
    db.flush()
    db.refresh(invitation)
    _mail(db, invitation, secret, "new")
    tell(db, invitation, SENT)
    record(db, "invitation.sent", actor=by, subject=invitation.id, app=str(app.id), urn=found.urn, scopes=wanted)
    return invitation


def find(db: Session, urn_or_dfe: str) -> Establishment:
    """The establishment of the register that a URN or a DfE number names. Raises CannotInvite unless it is open."""
    text = typed.tidy(urn_or_dfe)
    field = "school"
    for meaning in typed.meanings("urn", text):
        urns: Sequence[int] = ()
        if isinstance(meaning, typed.Urn):
            urns = [meaning.urn]
        elif isinstance(meaning, typed.DfeNumber):
            urns = Establishment.with_dfe_number(db, meaning.la_code, meaning.number)
        for found in Establishment.by_urns(db, urns)[:1]:
            if not found.is_open:
                raise CannotInvite(f"{found.name} is not open in the register: {found.status}.", field)
            return found
    raise CannotInvite("No school in the register has this number. A URN has 5 or 6 digits, a DfE number 7.", field)


def school_name(db: Session, invitation: Invitation) -> str:
    found = Establishment.by_urn(db, invitation.urn)
    return found.name if found else f"the school with the URN {invitation.urn}"


def link(secret: str) -> str:
    return f"{settings.issuer}/invitation?link={secret}"


def tell(db: Session, invitation: Invitation, state: str, scopes: Sequence[str] = ()) -> None:
    """Let the partner know of a step; what is granted only once something is."""
    facts = {
        "id": str(invitation.id),
        "reference": invitation.reference,
        "parent_id": invitation.parent_id and str(invitation.parent_id),
        "school": {"urn": invitation.urn, "name": school_name(db, invitation)},
        "state": state,
        "scopes": list(scopes),
    }
    notices.tell(db, invitation.app_id, f"invitation.{state}", facts)


def mark_opened(db: Session, invitation: Invitation) -> None:
    """Note that somebody has followed the link. Only the first time counts."""
    if invitation.is_open and invitation.open(db):
        tell(db, invitation, OPENED)


def authorise(
    db: Session, invitation: Invitation, *, person: Person, school: School, scopes: list[str], years: list[str] | None
) -> None:
    """The school says yes, to `scopes` and `years`. Raises Settled, and what `sharing.service.grant` raises."""
    if not invitation.settle(db, AUTHORISED, person.account.id, school.id):
        raise Settled
    tell(db, invitation, AUTHORISED, [scope for scope in scopes if scope in invitation.scopes])
    given = grant(db, person=person, school=school, app=invitation.app, scopes=scopes, years=years)
    invitation.authorisation_id = given.id
    db.flush()
    _record(db, invitation, "authorised", person.account.id)


def decline(db: Session, invitation: Invitation, *, person: Person, school: School) -> None:
    """The school says no. Raises Settled."""
    if not invitation.settle(db, DECLINED, person.account.id, school.id):
        raise Settled
    tell(db, invitation, DECLINED)
    _record(db, invitation, "declined", person.account.id)


def forward(db: Session, invitation: Invitation, *, name: str, email: str, by: uuid.UUID | None) -> Invitation:
    """Pass it on to somebody with authority: a new one, for as long as any other. Raises Settled or EndOfChain."""
    Invitation.queue_up(db, invitation.app.partner_id)
    chain = Invitation.chain(db, invitation)
    if len(chain) >= LONGEST_CHAIN:
        raise EndOfChain("Ask the company that sent it to invite the right person.")
    if any(one.contact_email == email for one in chain):
        raise Problem("Type the address of somebody else.", "email", "This person has had the invitation already")
    if Invitation.open_to(db, invitation.app_id, invitation.urn, email):
        raise Problem("You need not do anything.", "email", "This person has an invitation of their own already")
    if not invitation.settle(db, FORWARDED, by):
        raise Settled
    secret = new_secret(PREFIX)
    onward = Invitation(
        app_id=invitation.app_id,
        urn=invitation.urn,
        scopes=invitation.scopes,
        contact_name=name,
        contact_email=email,
        technical_name=invitation.technical_name,
        technical_email=invitation.technical_email,
        sent_by=invitation.sent_by,
        parent_id=invitation.id,
        root_id=invitation.root_id or invitation.id,
        link_digest=digest(secret),
        expires_at=ahead(settings.invitation_days * DAY),
    )
    db.add(onward)
    db.flush()
    db.refresh(onward)
    _mail(db, onward, secret, "forwarded")
    tell(db, invitation, FORWARDED)
    tell(db, onward, SENT)
    _record(db, invitation, "forwarded", by, to=str(onward.id))
    return onward


def cancel(db: Session, invitation: Invitation, by: uuid.UUID | None) -> None:
    """The partner withdraws it; its link says so from now on. Raises Settled."""
    if not invitation.settle(db, CANCELLED, by):
        raise Settled
    _record(db, invitation, "cancelled", by)


def remind(db: Session, invitation: Invitation, *, again_after: dt.datetime | None = None) -> bool:
    """Mail it once more, with a new link that takes the place of the old one; False when it was done, or is settled.

    `again_after`: a reminder from before this moment does not count.
    """
    secret = new_secret(PREFIX)
    if not invitation.renew_link(db, digest(secret), again_after):
        return False
    _mail(db, invitation, secret, "reminder")
    return True


def remind_again(db: Session, invitation: Invitation) -> None:
    """The partner asks for a reminder: one a day. Raises Settled or CannotInvite."""
    if not invitation.is_open:
        raise Settled
    if invitation.created_at > ago(DAY) or not remind(db, invitation, again_after=ago(DAY)):
        raise CannotInvite("We mail one address at most once a day.", title="No reminder was sent")


def send_reminders(db: Session) -> int:
    """Remind, once, of what has waited for a week."""
    due = Invitation.to_remind(db, ago(settings.invitation_reminder_days * DAY))
    return sum(remind(db, invitation) for invitation in due)


def expire(db: Session) -> int:
    """End what has run out."""
    over = Invitation.expire(db)
    for invitation in over:
        tell(db, invitation, EXPIRED)
    return len(over)


def to_finish(db: Session, app: App, person: Person, school: School) -> Invitation | None:
    """The invitation by which this person has authorised this app within the hour, where no code followed it yet."""
    return Invitation.to_finish(db, app.id, school.id, person.account.id, ago(FINISH_SECONDS))


def _scopes(app: App, asked: Iterable[str]) -> list[str]:
    wanted = set(asked)
    offered = [row for row in app.scopes if row.scope in SCOPES]
    if not wanted:
        raise CannotInvite("Choose at least one kind of data.", "scopes")
    if unknown := wanted - {row.scope for row in offered}:
        raise CannotInvite(f"{app.name} does not ask for: {', '.join(sorted(unknown))[:200]}.", "scopes")
    if missing := [row.scope for row in offered if row.required and row.scope not in wanted]:
        raise CannotInvite(f"{app.name} needs these as well: {', '.join(missing)}.", "scopes")
    return [row.scope for row in offered if row.scope in wanted]


def check_app(db: Session, app: App, found: Establishment) -> None:
    """Raises CannotInvite where the app may not invite this school now."""
    if app.is_suspended:
        raise CannotInvite(f"{app.name} is suspended.", "app")
    if not app.is_live and not any(school.is_test for school in School.of_urn(db, found.urn)):
        raise CannotInvite(f"{app.name} is a Test app: it can only invite the test schools.", "school")


def _person(form: type[Contact], name: str, email: str) -> Contact:
    if faults := mistakes(form, name, email):
        raise CannotInvite(f"{faults[0].text}.", faults[0].field)
    return form(name=name, email=email)


def _mail(db: Session, invitation: Invitation, secret: str, kind: str) -> None:
    messages.invitation(db, invitation, school_name(db, invitation), link(secret), kind)


def _record(db: Session, invitation: Invitation, what: str, by: uuid.UUID | None, **detail: str) -> None:
    app, school = str(invitation.app_id), invitation.school_id
    record(db, f"invitation.{what}", actor=by, school=school, subject=invitation.id, app=app, **detail)
