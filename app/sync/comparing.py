"""Whether an app has what a sync gave it: its users and classes, read by SCIM, beside ours."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from app.models.app_user import AppGroup, AppUser
from app.sync import usernames
from app.sync.existing import Listed


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Usernames and class titles, each list in order. `other` are users of the app of whom we know nothing."""

    same: int
    missing: list[str]
    different: list[tuple[str, str]]  # (username, what)
    other: list[str]
    missing_classes: list[str]

    @property
    def is_whole(self) -> bool:
        return not (self.missing or self.different or self.missing_classes)


def compare(
    users: Iterable[AppUser], groups: Sequence[AppGroup], listed: Iterable[Listed], titles: Mapping[str, str]
) -> Comparison:
    """`titles`: the app's classes, by title. An archived user may be missing; one that is active may not."""
    theirs = {one.outside_id: one for one in listed if one.outside_id}
    names = {usernames.key(one.username): one for one in theirs.values()}
    same, missing, different, known = 0, [], [], set()
    for user in users:
        found = theirs.get(user.outside_id) or names.get(user.username_key or "")
        if found is None:
            missing += [] if user.is_archived else [user.username]
            continue
        known.add(found.outside_id)
        if wrong := ", ".join(_differences(user, found)):
            different.append((user.username, wrong))
        else:
            same += 1
    other = [one.username for own, one in theirs.items() if own not in known]
    lacking = [group.title for group in groups if group.outside_id and group.title not in titles]
    return Comparison(same, sorted(missing), sorted(different), sorted(other), sorted(lacking))


def _differences(user: AppUser, found: Listed) -> Iterable[str]:
    if found.username != user.username:
        yield f"the app calls them {found.username}"
    if (found.given_name, found.family_name) != (user.given_name, user.family_name):
        yield f"their name there is {found.given_name} {found.family_name}".rstrip()
    if found.is_active == user.is_archived:
        yield "active in the app, archived here" if found.is_active else "inactive in the app"
    if not user.is_archived and (lacks := sorted(set(user.classes) - set(found.classes))):
        yield f"not in {', '.join(lacks)}"
