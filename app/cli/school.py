"""`gatehouse school`: which schools there are, and how they stand."""

import datetime as dt
import uuid
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.output import AsJson, failures, say

if TYPE_CHECKING:
    from app.db import Session
    from app.models.establishment import Establishment
    from app.models.school import School

app = typer.Typer(no_args_is_help=True, help="List registered schools, or show one.")


@app.command("list")
def list_schools(
    status: Annotated[str, typer.Option(help="Unverified, Verified, Suspended, Rejected or Closed.")] = "",
    as_json: AsJson = False,
) -> None:
    """Every registered school by name. Changes nothing."""
    from app.db import sessions
    from app.models import queue
    from app.models.school import CLOSED, REJECTED, SUSPENDED, UNVERIFIED, VERIFIED

    wanted = status.strip().capitalize()
    if wanted and wanted not in (UNVERIFIED, VERIFIED, SUSPENDED, REJECTED, CLOSED):
        raise typer.BadParameter(f"{status!r} is no status of a school", param_hint="--status")
    with sessions.read() as db:
        rows, _ = queue.schools(db, wanted, rows=None)
    schools = [_facts(school, record) for school, record in rows]
    lines = [f"{school['status']:<10}  {school['urn']}  {school['name']}  {school['id']}" for school in schools]
    say(as_json, "\n".join(lines) or "No school is registered.", schools=schools)


@app.command()
def show(which: Annotated[str, typer.Argument(metavar="URN_OR_ID")], as_json: AsJson = False) -> None:
    """One school; of several registrations of a URN, the one that speaks for it, else the newest. Changes nothing."""
    from app.db import sessions
    from app.errors import NotFound
    from app.models.establishment import Establishment
    from app.web.pages import when

    with failures(), sessions.read() as db:
        school = _find(db, which)
        if school is None:
            raise NotFound(title=f"No school has the URN or id {which}")
        facts = _facts(school, Establishment.by_urn(db, school.urn)) | _more(db, school)
    case, people = facts["case"], ", ".join(f"{each['name']} ({each['role']})" for each in facts["people"])
    lines = [
        f"{school.name}: {school.status}" + (f" ({school.status_reason})" if school.status_reason else ""),
        f"URN {school.urn}, DfE number {facts['dfe_number'] or 'none'}, id {school.id}",
        f"Registered on {when(school.registered_at)}; people: {people or 'none'}",
        f"Case: {_stands(case)}" if case else "Case: none",
    ]
    say(as_json, "\n".join(lines), **facts)


def _stands(case: dict[str, Any]) -> str:
    """A case in words: its state, when it is or was due, in English time, and the number of calls."""
    from app.web.pages import when

    calls = "1 call" if case["calls"] == 1 else f"{case['calls']} calls"
    return f"{case['state']}, due on {when(dt.datetime.fromisoformat(case['due_at']))}, {calls}"


def _find(db: "Session", which: str) -> "School | None":
    from app.models.school import School

    if which.isdigit() and len(which) < 10:
        claims = School.of_urn(db, int(which))
        return School.verified(db, int(which)) or (claims[-1] if claims else None)
    try:
        return School.by_id(db, uuid.UUID(which))
    except ValueError:
        return None


def _facts(school: "School", record: "Establishment | None") -> dict[str, Any]:
    return {
        "id": str(school.id),
        "urn": school.urn,
        "dfe_number": record.dfe_number if record else None,
        "name": school.name,
        "status": school.status,
        "status_reason": school.status_reason,
        "status_at": school.status_at.isoformat(timespec="seconds"),
        "registered_at": school.registered_at.isoformat(timespec="seconds"),
    }


def _more(db: "Session", school: "School") -> dict[str, Any]:
    from app.models.account import Account, Membership
    from app.models.authorisation import Authorisation
    from app.models.school import School
    from app.models.verification import Call, Verification

    case, people = Verification.of_school(db, school.id), []
    for account in Account.of_school(db, school.id):
        roles = [held.role for held in Membership.of(db, account.id) if held.school_id == school.id]
        facts = {"name": account.name, "username": account.username, "email": account.email}
        people.append(facts | {"role": ", ".join(roles)})
    others = [other for other in School.of_urn(db, school.urn) if other.id != school.id]
    stands = case and {
        "id": str(case.id),
        "state": case.state,
        "due_at": case.due_at.isoformat(timespec="seconds"),
        "calls": len(Call.of(db, case.id)),
    }
    return {
        "case": stands,
        "people": people,
        "authorisations": sum(each.is_active for each in Authorisation.of_school(db, school.id)),
        "other_registrations": [{"id": str(other.id), "status": other.status} for other in others],
    }
