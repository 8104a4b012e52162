"""A pupil who is missing in the MIS, added to an app by hand. Once the MIS has them, a sync recognises them."""

import dataclasses
import uuid
from collections.abc import Mapping

from app.db import Session
from app.models.app_user import HAND, PUPIL, AppUser
from app.models.school import School
from app.roster import identifiers
from app.sync import passwords, service, usernames
from app.web.forms import Fault

LONGEST = 100


@dataclasses.dataclass(frozen=True)
class NewUser:
    """What was typed, and what is wrong with it."""

    given_name: str
    family_name: str
    upn: str
    group: str
    form: str
    faults: list[Fault]

    @classmethod
    def read(cls, sent: Mapping[str, str]) -> "NewUser":
        given, family = sent.get("given_name", "")[:LONGEST], sent.get("family_name", "")[:LONGEST]
        upn, form = identifiers.upn(sent.get("upn", "")), sent.get("form", "")
        faults = []
        if not given and not family:
            faults.append(Fault("Enter the pupil’s first name", "given_name"))
        if upn and not identifiers.is_upn(upn):
            faults.append(Fault("Check the UPN: it has 13 characters, and the first is a letter that fits", "upn"))
        if not sent.get("group", ""):
            faults.append(Fault("Enter the pupil’s class", "group"))
        if form not in passwords.FORMS:
            faults.append(Fault("Choose a password", "form"))
        return cls(given, family, upn, sent.get("group", "")[:LONGEST], form, faults)


def add(db: Session, school: School, app_id: uuid.UUID, new: NewUser) -> AppUser:
    """Make the user, with a free username by the form that the school has chosen."""
    answers = service.answers_of(db, school.id, app_id)
    taken = {one.username_key for one in AppUser.of_app(db, school.id, app_id) if one.username_key}
    base = usernames.base(usernames.FORMS[answers.pupil_form], new.given_name, new.family_name)
    [username] = usernames.assign([base], taken)
    user = AppUser(
        school_id=school.id,
        app_id=app_id,
        kind=PUPIL,
        origin=HAND,
        username=username,
        username_key=usernames.key(username),
        given_name=new.given_name,
        family_name=new.family_name,
        upn=new.upn,
        classes=[new.group],
    )
    db.add(user)
    db.flush()
    for name, value in service.first_password(user.id, new.form).items():
        setattr(user, name, value)
    db.flush()
    return user
