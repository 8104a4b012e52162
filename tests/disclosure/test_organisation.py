from typing import Any

import pytest

from app.db import sessions
from app.disclosure import organisation, visible
from app.models.authorisation import Authorisation
from app.models.establishment import Establishment
from app.models.school import School
from app.models.scope import ACCOUNT, ORGANISATION, SCOPES
from tests import factories

RECORDS = {"organisation", "account", "students", "contacts", "staff", "groups"}


def granted(scopes: tuple[str, ...], **columns: Any) -> tuple[Authorisation, School, Establishment]:
    with sessions.begin() as db:
        record = factories.establishment(db, 100001, **columns)
        school = factories.school(db, 100001)
        app, _ = factories.app(db, scopes=tuple(SCOPES))
        return factories.authorisation(db, factories.admin(db, school), school, app, scopes), school, record


def test_the_school_scope_opens_exactly_its_fields() -> None:
    seen = organisation(*granted(("school",)))

    assert tuple(seen) == SCOPES["school"].fields
    assert (seen["name"], seen["urn"], seen["dfe_number"]) == ("Made-up Primary School 100001", "100001", "888/0001")


def test_no_field_names_a_person() -> None:
    seen = organisation(*granted(("school",), head_last_name="Zzyzx"))

    assert "Zzyzx" not in str(seen)
    assert seen["telephone"] == "01632960001"


@pytest.mark.parametrize("scopes", [(), ("openid",), ("profile", "email"), ("no-such-scope",)])
def test_without_the_school_scope_nothing_is_seen(scopes: tuple[str, ...]) -> None:
    authorisation, school, record = granted(scopes)

    assert organisation(authorisation, school, record) == {}
    authorisation.scopes = [*scopes, "school"]
    assert organisation(authorisation, school, record)["name"] == school.name


def test_the_name_of_a_person_is_not_the_name_of_a_school() -> None:
    authorisation, _, _ = granted(("profile",))

    assert visible(authorisation, ORGANISATION) == frozenset()
    assert visible(authorisation, ACCOUNT) == {"name"}


def test_a_token_with_fewer_scopes_sees_less_and_with_more_sees_no_more() -> None:
    authorisation, school, record = granted(("school",))

    assert organisation(authorisation, school, record, within=["openid"]) == {}
    assert visible(authorisation, ACCOUNT, within=["school", "email"]) == frozenset()
    assert organisation(authorisation, school, record, within=["school", "email"])["urn"] == "100001"


def test_another_schools_record_is_refused() -> None:
    authorisation, school, record = granted(("school",))
    with sessions.begin() as db:
        stranger = factories.school(db, 100002)
        strange_record = factories.establishment(db, 100003)

    for pair in ((stranger, record), (school, strange_record)):
        with pytest.raises(ValueError, match="another school"):
            organisation(authorisation, *pair)
    assert organisation(authorisation, school, record)["urn"] == "100001"


def test_a_school_that_the_register_no_longer_lists_still_has_its_name_and_urn() -> None:
    authorisation, school, _ = granted(("school",))

    seen = organisation(authorisation, school, None)

    assert (seen["name"], seen["urn"], seen["dfe_number"], seen["address"]) == (school.name, "100001", None, [])


def test_every_scope_says_in_words_what_it_opens_and_no_two_say_the_same() -> None:
    for name, scope in SCOPES.items():
        assert name == scope.name
        assert scope.record in RECORDS
        assert scope.fields
        assert scope.title[0].isupper() and not scope.title.endswith(".")
        assert scope.description.endswith(".")
    assert len({scope.title for scope in SCOPES.values()}) == len(SCOPES)
    assert SCOPES["openid"].identity and not SCOPES["school"].identity
