"""Receipts: made with every change, kept, printed, signed, and checked by anybody."""

import base64
import datetime as dt
import json
import re
import uuid
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey
from typer.testing import CliRunner

from app import keys
from app.cli import app as command
from app.db import sessions
from app.models.account import ADMIN, DPO, IT, READ_ONLY
from app.models.authorisation import EXPIRED, Authorisation
from app.models.base import ago, now
from app.models.receipt import Receipt
from app.models.school import SUSPENDED, VERIFIED, School
from app.models.scope import SCOPES, Scope
from app.models.signing_key import SigningKey
from app.notify import development
from app.notify.outbox import deliver_due
from app.settings import settings
from app.sharing import receipt_check, receipt_pdf, receipts
from app.sharing.changes import KINDS, tell
from app.sharing.receipt_check import Genuine, NotGenuine
from app.sharing.service import give_back, grant, revoke
from tests import factories
from tests.pages import Browser
from tests.sharing.people import World, colleague, granted, world

WELSH = "Ysgol Gynradd Tŷ-Gŵyn a’r Dŵr ŴŶẁẃ"


def of(given: Authorisation) -> list[Receipt]:
    """Its receipts, oldest first."""
    with sessions.read() as db:
        return Receipt.of(db, given.id)[::-1]


def check(pasted: str) -> Genuine:
    with sessions.read() as db:
        return receipt_check.check(db, pasted)


def refused(pasted: str) -> str:
    with pytest.raises(NotGenuine) as wrong:
        check(pasted)
    return str(wrong.value.title)


def encoded(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decoded(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def end(here: World, given: Authorisation) -> None:
    with sessions.begin() as db:
        revoke(db, person=here.person(db), school=here.school, authorisation_id=given.id)


def test_a_receipt_says_who_agreed_to_what_with_whom_and_until_when() -> None:
    here = world(retention="30 days")
    with sessions.begin() as db:
        app = db.merge(here.app)
        app.partner.agreement_url = "https://partner.example/agreement"
        app.scopes[0].legal_basis = "Public task, UK GDPR Article 6(1)(e)"
    here.app = app
    given = granted(here, "school", "email")
    [receipt] = of(given)
    content = receipt.content

    assert content["schema_version"] == "ISO/IEC TS 27560:2023" and content["record_id"] == str(receipt.id)
    controller, recipient = content["party_identification"]
    assert (controller["party_role"], controller["party_name"]) == ("pii controller", here.school.name)
    assert (controller["urn"], controller["dfe_number"]) == (100001, "888/0001")
    assert recipient["app"] == "Reading Room" and recipient["ico_number"] == "ZA000001"
    assert recipient["party_contact"] == "dpo@partner.example"
    assert recipient["agreement"] == "https://partner.example/agreement"
    first, second = content["pii_processing"]["purposes"]
    assert first["services"] == [{"scope": "school", "title": "Your school’s details"}]
    assert first["purpose"] == "To show your school in Reading Room" and first["retention_period"] == "30 days"
    assert first["lawful_basis"] == "Public task, UK GDPR Article 6(1)(e)" and first["required"]
    assert second["services"][0]["scope"] == "email" and not second["required"]
    assert content["pii_processing"]["jurisdiction"] == "England and Wales"
    event = content["event"]
    assert (event["event_type"], event["event_state"]) == ("granted", "given")
    assert event["decided_by"] == {"role": "Admin", "name": here.admin.name}
    assert event["valid_until"] == given.expires_at.isoformat(timespec="seconds")


def test_every_change_has_its_receipt_and_who_decided() -> None:
    here = world()
    given = granted(here, "school", "email")
    granted(here, "school", "email")
    granted(here, "school", "profile")
    with sessions.begin() as db:
        found = db.get_one(Authorisation, given.id)
        found.paused_at, found.resumes_on = now(), dt.date(2027, 1, 8)
        tell(db, here.school, found, "paused", by=here.admin.id)
        found.paused_at = None
        tell(db, here.school, found, "resumed", by=None)
    end(here, given)
    back, over = granted(here), granted(world(100002))
    with sessions.begin() as db:
        give_back(db, db.get_one(Authorisation, back.id))
        found = db.get_one(Authorisation, over.id)
        found.end(db, EXPIRED, None)
        tell(db, here.school, found, "expired", by=None)

    told = [(row.kind, row.content["event"]["decided_by"]["role"]) for row in of(given)]
    assert told == [
        ("granted", "Admin"),
        ("renewed", "Admin"),
        ("changed", "Admin"),
        ("paused", "Admin"),
        ("resumed", "operator"),
        ("revoked", "Admin"),
    ]
    changed, paused = (of(given)[number].content for number in (2, 3))
    assert changed["event"]["ended"] == ["Email address of the person who signs in"]
    assert paused["event"]["resumes_on"] == "2027-01-08"
    assert of(back)[-1].content["event"]["decided_by"] == {"role": "recipient", "name": here.app.partner.name}
    assert of(over)[-1].content["event"]["event_state"] == "expired"
    assert set(receipts.STATES) == set(KINDS)
    for receipt in of(given) + of(back) + of(over):
        assert check(receipt.jws).content == receipt.content


def test_what_was_agreed_to_stays_word_for_word_when_the_app_words_it_differently() -> None:
    here = world()
    given = granted(here)
    with sessions.begin() as db:
        here.app = db.merge(here.app)
        here.app.scopes[0].purpose = "To sell advertisements"
    end(here, given)

    purposes = [row.content["pii_processing"]["purposes"][0]["purpose"] for row in of(given)]
    assert purposes == ["To show your school in Reading Room"] * 2
    again = granted(here)
    assert of(again)[0].content["pii_processing"]["purposes"][0]["purpose"] == "To sell advertisements"


def test_without_the_change_there_is_no_receipt() -> None:
    here = world()

    def stopped() -> None:
        with sessions.begin() as db:
            grant(db, person=here.person(db), school=here.school, app=here.app, scopes=["school"])
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        stopped()
    with sessions.read() as db:
        assert db.query(Receipt).count() == 0
    assert len(of(granted(here))) == 1


def test_admins_and_the_dpo_are_mailed_the_link_to_the_receipt(page: Browser) -> None:
    here = world()
    with sessions.begin() as db:
        factories.admin(db, here.school, DPO, email="dpo@school.example")
        factories.admin(db, here.school, READ_ONLY, email="reader@school.example")
    given = granted(here)
    [receipt] = of(given)

    count = deliver_due()
    mails = development.kept()[-count:]
    link = f"{settings.issuer}/school/receipts/{receipt.id}"
    assert sorted(mail["to"] for mail in mails) == sorted(["dpo@school.example", here.admin.email])
    assert all(link in mail["text"] and link in mail["links"] for mail in mails)
    page.opens(f"/school/receipts/{receipt.id}")
    assert page.title == "Sign in"
    factories.signs_in(page, here.admin)
    page.opens(f"/school/receipts/{receipt.id}")
    assert page.title == "Authorised: Reading Room"


def test_a_genuine_receipt_is_shown_to_be_so_to_anybody(browser: Browser) -> None:
    here = world()
    given = granted(here)
    [receipt] = of(given)

    browser.opens("/receipts/verify")
    browser.fills("Receipt", receipt.jws)
    browser.presses("Check")
    assert "This receipt is genuine" in browser.text and "In force" in browser.text
    assert here.school.name in browser.text and "To show your school in Reading Room" in browser.text

    end(here, given)
    browser.opens("/receipts/verify")
    browser.fills("Receipt", f"  {receipt.jws[:60]}\r\n{receipt.jws[60:]} ")
    browser.presses("Check")
    assert "This receipt is genuine" in browser.text and "Not in force" in browser.text


@pytest.mark.parametrize("what", ["paused", "frozen", "suspended school", "suspended app", "ran out"])
def test_what_reads_nothing_now_is_not_in_force(what: str) -> None:
    here = world()
    given = granted(here)
    [receipt] = of(given)
    assert check(receipt.jws).in_force
    with sessions.begin() as db:
        found, school = db.get_one(Authorisation, given.id), db.get_one(School, here.school.id)
        if what == "paused":
            found.paused_at = now()
        elif what == "frozen":
            school.frozen_at = now()
        elif what == "suspended school":
            school.status = SUSPENDED
        elif what == "suspended app":
            found.app.suspended_at = now()
        else:
            found.expires_at = ago(1)
    assert not check(receipt.jws).in_force


def test_the_json_file_is_checked_too_and_its_readable_part_must_be_what_was_signed(browser: Browser) -> None:
    here = world()
    [receipt] = of(granted(here))
    factories.signs_in(browser, here.admin)
    file = browser.client.get(f"/school/receipts/{receipt.id}.json")
    body = file.json()

    assert body == {"jws": receipt.jws, "receipt": receipt.content}
    name = re.fullmatch(r'attachment; filename="([a-z0-9.-]+)"', file.headers["content-disposition"])
    assert name and name[1].startswith("receipt-100001-") and name[1].endswith(".json")
    body["receipt"]["event"]["valid_until"] = "2099-01-01T00:00:00+00:00"
    assert refused(json.dumps(body)) == "This receipt has been altered"
    assert check(file.text).in_force


@pytest.mark.parametrize("member", ["iss", "record_id", "pii_processing", "party_identification", "event"])
def test_a_receipt_whose_words_were_altered_is_refused(member: str) -> None:
    [receipt] = of(granted(world()))
    head, body, signature = receipt.jws.split(".")
    said = decoded(body)
    said[member] = "something else"

    assert refused(f"{head}.{encoded(said)}.{signature}") == "This receipt has been altered"
    assert check(f"{head}.{encoded(decoded(body))}.{signature}").content == receipt.content


def test_audit_verify_finds_a_stored_receipt_that_is_not_what_was_signed() -> None:
    here = world()
    given = granted(here)
    end(here, given)
    one, other = of(given)
    assert verified() == (0, "The audit is whole.\n")

    for values, said in (
        ({"content": one.content | {"language": "cy"}}, "its readable part is not what was signed"),
        ({"jws": other.jws, "content": other.content}, "it was signed as another receipt"),
        ({"kind": "renewed"}, "it was signed as another receipt"),
        ({"jws": one.jws[:-4] + "AAAA"}, "This receipt has been altered"),
    ):
        stored(one, values)
        assert verified() == (1, f"receipt {one.id}: {said}\n")
        stored(one, {"content": one.content, "jws": one.jws, "kind": one.kind})
    assert verified() == (0, "The audit is whole.\n")


def stored(receipt: Receipt, values: dict[str, Any]) -> None:
    with sessions.begin() as db:
        kept = db.get_one(Receipt, receipt.id)
        for name, value in values.items():
            setattr(kept, name, value)


def verified() -> tuple[int, str]:
    ran = CliRunner().invoke(command, ["audit", "verify"])
    return ran.exit_code, ran.output


def test_every_byte_of_the_signature_counts() -> None:
    [receipt] = of(granted(world()))
    signed, _, signature = receipt.jws.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")

    for place in range(len(raw)):
        other = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        assert refused(f"{signed}.{encoded(other)}") == "This receipt has been altered"
    for other in (raw[:-1], raw + b"\0", b"\0" * 64):
        assert refused(f"{signed}.{encoded(other)}") == "This receipt has been altered"
    assert check(receipt.jws).in_force


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({"alg": "none"}, "This is not signed in the way that Gatehouse signs"),
        ({"alg": "HS256"}, "This is not signed in the way that Gatehouse signs"),
        ({"alg": "RS256"}, "This is not signed in the way that Gatehouse signs"),
        ({"alg": ["ES256"]}, "This is not signed in the way that Gatehouse signs"),
        ({"kid": "unknown"}, "This was not signed by this Gatehouse"),
        ({"kid": ["unknown"]}, "This was not signed by this Gatehouse"),
        ({"kid": None}, "This was not signed by this Gatehouse"),
        ({"typ": "JWT"}, "This is not a receipt of this Gatehouse"),
        ({"crit": ["b64"], "b64": False}, "This is not a receipt of this Gatehouse"),
        ({"jku": "https://stranger.example/keys"}, "This is not a receipt of this Gatehouse"),
    ],
)
def test_another_header_is_refused(changes: dict[str, Any], title: str) -> None:
    [receipt] = of(granted(world()))
    head, body, signature = receipt.jws.split(".")

    assert refused(f"{encoded(decoded(head) | changes)}.{body}.{signature}") == title
    if changes.get("alg") == "none":
        assert refused(f"{encoded(decoded(head) | changes)}.{body}.") == title
    assert check(f"{encoded(decoded(head))}.{body}.{signature}").in_force


def test_a_stranger_cannot_bring_a_key_of_their_own() -> None:
    [receipt] = of(granted(world()))
    head, body, _ = receipt.jws.split(".")
    own = ECKey.generate_key("P-256")
    content = json.dumps(decoded(body) | {"iss": settings.issuer})

    foreign = jws.serialize_compact(decoded(head) | {"kid": own.thumbprint()}, content, own)
    assert refused(foreign) == "This was not signed by this Gatehouse"
    posing = jws.serialize_compact(decoded(head), content, own)
    assert refused(posing) == "This receipt has been altered"
    brought = jws.serialize_compact(decoded(head) | {"jwk": own.as_dict(private=False)}, content, own)
    assert refused(brought) == "This is not a receipt of this Gatehouse"
    assert check(receipt.jws).in_force


def test_something_else_that_we_signed_is_no_receipt() -> None:
    [receipt] = of(granted(world()))
    with sessions.read() as db:
        key = keys.load(db).signing(keys.ES256)
    own: Any = key.private
    token = jws.serialize_compact(
        {"alg": "ES256", "kid": key.kid, "typ": "JWT"}, json.dumps(receipt.content), ECKey.import_key(own)
    )

    assert refused(token) == "This is not a receipt of this Gatehouse"
    assert check(receipt.jws).kid == key.kid


@pytest.mark.parametrize(
    "pasted",
    [
        "a",
        "a.b.c",
        "e30.e30",
        "e30.e30.e30.e30",
        "[]",
        "{}",
        '{"jws": 1}',
        '{"jws": "a", "jws": "b"}',
        "{" * 3000,
        '{"jws":' + "[" * 500,
        "ŵ.ŵ.ŵ",
        encoded(b"\xff\xfe") + ".e30.AAAA",
        encoded([]) + ".e30.AAAA",
    ],
)
def test_what_is_no_receipt_is_said_to_be_none(pasted: str) -> None:
    assert refused(pasted) == "That is not a receipt"
    assert check(of(granted(world()))[0].jws).in_force


def test_a_mistake_shows_the_form_again_with_what_was_pasted(browser: Browser) -> None:
    browser.opens("/receipts/verify")
    browser.presses("Check", 422)
    assert "Paste a receipt" in browser.text
    browser.fills("Receipt", "<b>nonsense</b>")
    browser.presses("Check", 422)
    assert "That is not a receipt" in browser.text and browser.document.get_element_by_id("receipt").text == (
        "<b>nonsense</b>"
    )
    browser.fills("Receipt", "a" * 200_000)
    browser.presses("Check", 422)
    assert "too long" in browser.text
    browser.fills("Receipt", of(granted(world()))[0].jws)
    browser.presses("Check")
    assert "This receipt is genuine" in browser.text


def test_a_network_that_checks_without_end_has_to_wait(browser: Browser) -> None:
    [receipt] = of(granted(world()))
    for _ in range(60):
        browser.posts("/receipts/verify", 422, receipt="a.b.c")
    browser.posts("/receipts/verify", 429, receipt=receipt.jws)
    browser.opens("/receipts/verify")


def test_a_receipt_signed_by_a_key_of_long_ago_stays_genuine() -> None:
    [receipt] = of(granted(world()))
    with sessions.begin() as db:
        before = {row.kid: (row.starts_at, row.ends_at) for row in SigningKey.every(db)}
        fresh = keys.rotate(db)
        for row in SigningKey.every(db):
            if row.kid in before:
                row.ends_at = ago(3600)
            else:
                row.starts_at = ago(60)
    try:
        found = check(receipt.jws)
        assert found.key_state == "ended" and found.in_force
        assert check(of(granted(world(100002)))[0].jws).key_state == "signing"
    finally:
        with sessions.begin() as db:
            for row in SigningKey.every(db):
                if row.kid in before:
                    row.starts_at, row.ends_at = before[row.kid]
                elif row.kid in {key.kid for key in fresh}:
                    db.delete(row)


def test_the_list_is_paged_and_narrowed_to_an_app(browser: Browser) -> None:
    here = world()
    given = granted(here)
    with sessions.begin() as db:
        other = factories.app(db, "Sums")[0]
        sums = grant(db, person=here.person(db), school=here.school, app=other, scopes=["school"])
        for _ in range(54):
            receipts.make(db, here.school, sums, "renewed", by=here.admin.id)
    factories.signs_in(browser, here.admin)

    browser.opens("/school/receipts")
    assert "56 receipts" in browser.text and len(browser.document.xpath("//tbody/tr")) == 50
    browser.follows("Next page")
    assert len(browser.document.xpath("//tbody/tr")) == 6
    browser.opens("/school/receipts?page_number=9")
    assert "There is no such page" in browser.text
    browser.opens("/school/receipts")
    browser.fills("App", "Reading Room")
    browser.presses("Show")
    assert "1 receipt," in browser.text and "Authorised" in browser.text
    browser.opens(f"/school/receipts?app={uuid.uuid4()}", 404)
    browser.opens(f"/school/apps/{given.id}")
    browser.follows("Receipts about Reading Room")
    assert "1 receipt," in browser.text


def test_a_school_without_receipts_is_told_so(browser: Browser) -> None:
    here = world()
    factories.signs_in(browser, here.admin)
    browser.opens("/school/receipts")
    assert "No receipts yet" in browser.text


@pytest.mark.parametrize(("role", "status"), [(ADMIN, 200), (DPO, 200), (READ_ONLY, 200), (IT, 403)])
def test_who_may_read_receipts(browser: Browser, role: str, status: int) -> None:
    here = world()
    [receipt] = of(granted(here))
    factories.signs_in(browser, colleague(here.school, role))

    for path in ("", f"/{receipt.id}", f"/{receipt.id}.pdf", f"/{receipt.id}.json"):
        assert browser.client.get(f"/school/receipts{path}").status_code == status
    browser.opens("/school")
    assert ("Receipts" in browser.text) == (status == 200)


def test_another_schools_receipt_is_as_good_as_absent(browser: Browser) -> None:
    here, there = world(), world(100002)
    [mine], [other] = of(granted(here)), of(granted(there))
    factories.signs_in(browser, here.admin)

    for ending in ("", ".pdf", ".json"):
        for absent in (other.id, uuid.uuid4(), "x"):
            assert browser.client.get(f"/school/receipts/{absent}{ending}").status_code == 404
        assert browser.client.get(f"/school/receipts/{mine.id}{ending}").status_code == 200


def words(pdf: bytes) -> str:
    """What an uncompressed PDF of ours shows: glyph numbers of two bytes, read through each font's map to Unicode."""
    maps = [
        {int(glyph, 16): chr(int(letter, 16)) for glyph, letter in re.findall(rb"<(\w{4})> <(\w{4})>", part)}
        for part in re.findall(rb"beginbfchar(.*?)endbfchar", pdf, re.S)
    ]
    shown, font = [], 0
    for named, text in re.findall(rb"/F(\d) [\d.]+ Tf|\(((?:[^()\\]|\\.)*)\) Tj", pdf, re.S):
        font = int(named) - 1 if named else font
        raw = re.sub(rb"\\(.)", lambda mark: b"\r" if mark[1] == b"r" else mark[1], text, flags=re.S)
        pairs = zip(raw[::2], raw[1::2], strict=True)
        shown.append("".join(maps[font].get(high << 8 | low, "?") for high, low in pairs))
    return " ".join(shown)


def test_the_pdf_has_every_word_welsh_letters_long_names_and_numbered_pages(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = tuple(f"kind{number}" for number in range(12))
    for name in many:
        monkeypatch.setitem(SCOPES, name, Scope(name, f"Data {name}", "", "organisation", ("name",), special=True))
    with sessions.begin() as db:
        school = factories.school(db, 100001, VERIFIED, name=WELSH)
        app = factories.app(db, "W" * 300, many)[0]
        here = World(school, factories.admin(db, school, name="Siân Llŷr"), app)
    [receipt] = of(granted(here, *many))

    plain = receipt_pdf.pdf(receipt, compressed=False)
    assert plain.startswith(b"%PDF-") and len(re.findall(rb"/Type /Page\b[^s]", plain)) >= 4
    assert receipt_pdf.pdf(receipt) == receipt_pdf.pdf(receipt)
    factories.signs_in(browser, here.admin)
    answer = browser.client.get(f"/school/receipts/{receipt.id}.pdf")
    assert answer.headers["content-type"] == "application/pdf" and answer.content == receipt_pdf.pdf(receipt)
    assert re.fullmatch(r'attachment; filename="[a-z0-9.-]+\.pdf"', answer.headers["content-disposition"])
    browser.opens(f"/school/receipts/{receipt.id}")
    assert WELSH in browser.text and "Siân Llŷr" in browser.text
    shown = words(plain)
    for expected in (WELSH, "Siân Llŷr (Admin)", "Data kind11", "Page 1 of", str(receipt.id)):
        assert expected in shown


def test_a_receipt_holds_no_more_than_it_says_and_nobody_but_who_decided() -> None:
    here = world()
    [receipt] = of(granted(here, "school", "profile", "email"))
    told = json.dumps(receipt.content, ensure_ascii=False)

    assert here.admin.name in told
    for private in (here.admin.email, here.admin.mobile, here.admin.username, str(here.admin.id)):
        assert str(private) not in told
