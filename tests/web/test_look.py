"""The look: nothing comes from elsewhere, nothing is borrowed from the government, every part renders."""

import json
import re
from importlib.metadata import metadata
from types import SimpleNamespace
from typing import Any

import pytest
from lxml import html

from app.settings import ROOT
from app.web.pages import STATIC, _environment

pytestmark = pytest.mark.once

TEMPLATES = sorted(path.relative_to(ROOT / "templates").as_posix() for path in (ROOT / "templates").rglob("*.html"))
FRONTEND = ROOT / "frontend"
WRONG = [SimpleNamespace(text="Enter your name", field="name")]
OPTIONS = [("a", "Apple"), ("b", "Bramley", "For cooking"), {"value": "c", "text": "Cox", "html": "", "disabled": True}]

FORMS = {
    "field": '("name", "Your name", hint="In full", width="20", prefix="x", suffix="y")',
    "password_field": '("name", "Password")',
    "textarea_field": '("name", "Note")',
    "select_field": '("name", "Role", [("", "Choose one"), ("h", "Head")])',
    "file_field": '("name", "Export", accept=".csv")',
    "radios": '("name", "Which?", options)',
    "checkboxes": '("name", "Which?", options, value=["b"])',
    "tick": '("name", "I agree")',
    "submit": '("Next", "secondary", "name", "value")',
}
PARTS = {
    "status_tag": '("Verified")',
    "summary": '([("A", "<b>"), {"key": "B", "value": "", "action": {"text": "Change", "href": "#"}}], title="Card")',
    "tracker": '([{"title": "First", "state": "done", "when": "today"}, {"title": "Then", "state": "current"}])',
    "secret": '("username", "Username", "825/3014")',
    "print_button": "()",
    "empty": '("Nothing yet", "Soon", {"text": "Start", "href": "/"})',
    "pagination": '(3, 9, "?page=")',
    "trust_card": '("Number Garden", "Greenleaf", [("ICO registration", "ZA123456")], status="Live")',
    "notice": '("Saved", "Carry on")',
}
STATUSES = {
    "a school": ["Unverified", "Verified", "Rejected", "Suspended", "Closed"],
    "an establishment": ["Open", "Closed", "Proposed to open"],
    "a case": ["New", "Called", "Confirmed", "Approved", "Waiting for school", "Rejected"],
}


def rendered(source: str, **context: Any) -> str:
    return _environment().from_string(source).render(context)


def form(call: str, **context: Any) -> Any:
    macro = call.split("(", maxsplit=1)[0]
    source = '{% from "components/forms.html" import ' + macro + " with context %}{{ " + call + " }}"
    return html.fragment_fromstring(rendered(source, options=OPTIONS, **context), create_parent=True)


def part(call: str) -> Any:
    macro = call.split("(", maxsplit=1)[0]
    return html.fragment_fromstring(
        rendered('{% from "components/parts.html" import ' + macro + " %}{{ " + call + " }}"), create_parent=True
    )


def page(**context: Any) -> Any:
    source = (
        '{% extends "layout.html" %}{% block title %}Find{% endblock %}{% block content %}<h1>Find</h1>{% endblock %}'
    )
    return html.document_fromstring(rendered(source, **context))


def test_the_stylesheet_takes_nothing_from_another_site() -> None:
    css = (STATIC / "gatehouse.css").read_text()

    assert "@import" not in css
    used = {STATIC / name for name in re.findall(r"url\([\"']?([^\"')]+)", css)}
    assert used == set(STATIC.glob("fonts/*.woff2"))
    assert all("SIL OPEN FONT LICENSE" in licence.read_text() for licence in STATIC.glob("fonts/*LICENCE.txt"))


def test_the_script_takes_nothing_from_another_site() -> None:
    script = (STATIC / "gatehouse.js").read_text()

    assert not re.search(r"https?://|\bimport\s*\(|\beval\(", script)
    assert "js-enabled" in script


def test_no_crown_and_no_government_typeface() -> None:
    css = (STATIC / "gatehouse.css").read_text()

    assert not re.search(r"crown|gds transport|govuk-(crest|header|footer)", css, re.IGNORECASE)
    assert "Gatehouse Text" in css
    for name in TEMPLATES:
        source = (ROOT / "templates" / name).read_text()
        assert not re.search(r"crown|govukHeader|govukFooter|©", source), name


def test_a_page_weighs_little() -> None:
    weights = {path.name: path.stat().st_size for path in STATIC.rglob("*") if path.is_file()}

    assert weights["gatehouse.css"] < 170_000
    assert weights["gatehouse.js"] < 50_000
    assert sum(weights.values()) < 320_000


def test_the_stylesheet_is_of_the_version_that_the_macros_were_written_for() -> None:
    wanted = re.search(r"GOV\.UK%20Frontend-v([\d.]+)-", str(metadata("govuk-frontend-jinja").json["description"]))
    assert wanted

    assert json.loads((FRONTEND / "package.json").read_text())["devDependencies"]["govuk-frontend"] == wanted[1]
    assert f'--govuk-frontend-version: "{wanted[1]}"' in (STATIC / "gatehouse.css").read_text()


def test_the_lock_names_no_registry_and_keeps_its_hashes() -> None:
    lock = (FRONTEND / "package-lock.json").read_text()

    assert not re.search(r"resolved|https?:", lock)
    assert all("integrity" in entry for name, entry in json.loads(lock)["packages"].items() if name)


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_compiles_and_has_no_inline_script_or_style(name: str) -> None:
    _environment().get_template(name)
    source = (ROOT / "templates" / name).read_text()

    if name.startswith("mail/"):
        return  # a mail has no stylesheet to refer to
    assert not re.search(r"\sstyle=|<style|<script(?![^>]*\ssrc=)|\son[a-z]+=\"|javascript:", source)


def test_every_macro_has_an_example() -> None:
    for name, examples, others in [
        ("forms", FORMS, {"wrong", "shown", "is_chosen", "fill"}),
        ("parts", PARTS, {"scroll"}),
    ]:
        source = (ROOT / "templates/components" / f"{name}.html").read_text()
        assert set(re.findall(r"macro (\w+)\(", source)) - others == set(examples)


@pytest.mark.parametrize("name", FORMS)
def test_a_field_renders_with_and_without_anything_sent(name: str) -> None:
    call = name + FORMS[name]

    assert form(call).xpath("//input|//textarea|//select|//button")
    assert form(call, sent={"name": "x"}, problems=WRONG).xpath("//input|//textarea|//select|//button")


@pytest.mark.parametrize("name", sorted(set(FORMS) - {"submit"}))
def test_a_field_says_what_is_wrong_with_it_and_has_the_id_the_summary_links_to(name: str) -> None:
    field = form(name + FORMS[name], sent={"name": ""}, problems=WRONG)

    assert "Enter your name" in field.find_class("govuk-error-message")[0].text_content()
    assert field.get_element_by_id("name") is not None
    assert not form(name + FORMS[name], problems=[]).find_class("govuk-error-message")


@pytest.mark.parametrize("name", PARTS)
def test_a_part_renders(name: str) -> None:
    assert len(part(name + PARTS[name])) > 0


def test_what_was_sent_is_shown_again_and_cannot_become_markup() -> None:
    sent = {"name": '"><script>alert(1)</script>'}

    assert form('field("name", "Your name")', sent=sent).xpath("//input/@value") == [sent["name"]]
    assert form('textarea_field("name", "Note")', sent=sent).xpath("//textarea/text()") == [sent["name"]]
    assert form('field("name", "Your name", value="Jo")').xpath("//input/@value") == ["Jo"]


def test_a_password_is_never_shown_again() -> None:
    assert "hunter2" not in html.tostring(form('password_field("name", "Password")', sent={"name": "hunter2"})).decode()
    assert "hunter2" in html.tostring(form('field("name", "Name")', sent={"name": "hunter2"})).decode()


def test_what_was_chosen_stays_chosen() -> None:
    chosen = "//input[@checked]/@value"

    assert form('radios("name", "Which?", options, value="a")').xpath(chosen) == ["a"]
    assert form('radios("name", "Which?", options, value="a")', sent={"name": "b"}).xpath(chosen) == ["b"]
    assert form('select_field("name", "Which?", [("1", "One"), ("2", "Two")])', sent={"name": "2"}).xpath(
        "//option[@selected]/@value"
    ) == ["2"]


def test_each_box_is_a_field_of_its_own_and_an_unticked_one_stays_unticked() -> None:
    ticked = "//input[@checked]/@name"
    call = 'checkboxes("name", "Which?", options, value=["b"])'

    assert form(call).xpath("//input/@name") == ["name-a", "name-b", "name-c"]
    assert form(call).xpath(ticked) == ["name-b"]
    assert form(call, sent={"name-a": "yes"}).xpath(ticked) == ["name-a"]
    assert form(call, sent={}, problems=WRONG).xpath(ticked) == []


@pytest.mark.parametrize("kind", STATUSES)
def test_the_states_of_one_thing_differ_in_word_and_colour(kind: str) -> None:
    tags = [part(f'status_tag("{status}")').find_class("govuk-tag")[0] for status in STATUSES[kind]]

    assert [tag.text_content().strip() for tag in tags] == STATUSES[kind]
    assert len({tag.get("class") for tag in tags}) == len(tags)


def test_a_status_nobody_coloured_is_grey() -> None:
    assert "govuk-tag--grey" in part('status_tag("Odd")')[0].get("class")


def test_what_is_hidden_stays_hidden_without_javascript() -> None:
    assert "[hidden]:not([hidden=until-found]){display:none !important}" in (STATIC / "gatehouse.css").read_text()


def test_a_secret_stands_alone_in_its_element() -> None:
    shown = part('secret("password", "Password", "Kw7-<0Ol1I")')

    assert shown.get_element_by_id("password").text_content() == "Kw7-<0Ol1I"
    assert shown.xpath("//button[@hidden]/@data-copy") == ["password"]


def test_long_lists_show_the_ends_and_the_neighbours_of_a_page() -> None:
    numbers = [
        link.text_content().strip() for link in part('pagination(5, 12, "?page=")').find_class("govuk-pagination__item")
    ]

    assert numbers == ["1", "⋯", "4", "5", "6", "⋯", "12"]
    assert not part('empty("x")').find_class("govuk-pagination") and not len(part('pagination(1, 1, "?page=")'))


def test_a_layout_that_is_told_nothing_still_makes_a_page() -> None:
    bare = page(settings=SimpleNamespace())

    assert bare.findtext(".//title") == "Find – Gatehouse"
    assert bare.get("lang") == "en-GB"
    assert bare.xpath("//a[@class='govuk-skip-link']/@href") == ["#main-content"]
    assert [words.strip() for words in bare.xpath("//header//ul//a/text()")] == ["Register your school", "Sign in"]


def test_problems_head_the_page_and_its_title() -> None:
    wrong = page(problems=[*WRONG, *WRONG, SimpleNamespace(text="Try again", field="")])

    assert wrong.findtext(".//title") == "Error: Find – Gatehouse"
    summary = wrong.find_class("govuk-error-summary__list")[0]
    assert summary.xpath(".//a/@href") == ["#name"]
    assert [item.text_content().strip() for item in summary] == ["Enter your name", "Try again"]


def test_a_person_sees_their_name_their_school_their_menu_and_a_sign_out_that_posts() -> None:
    menu = [
        {"text": "Home", "href": "/school", "current": True},
        {"text": "Account", "href": "/account", "current": False},
    ]
    seen = page(person=SimpleNamespace(name="Łukasz <b>", school_name="Oakfield", navigation=menu))

    assert seen.find_class("gh-header__name")[0].text == "Łukasz <b>"
    assert seen.find_class("gh-header__school")[0].text == "Oakfield"
    assert seen.xpath("//form[@method='post']/@action") == ["/sign-out"]
    assert [link.strip() for link in seen.xpath("//nav//a/@href")] == ["/school", "/account"]
    assert seen.xpath("//nav//a[@aria-current='page']/@href") == ["/school"]


def test_only_a_practice_copy_says_so() -> None:
    assert not page(settings=SimpleNamespace(environment="production")).xpath("//a[@href='/dev/outbox']")
    assert page(settings=SimpleNamespace(environment="development")).xpath("//a[@href='/dev/outbox']")


def test_the_error_page_says_what_happened_what_to_do_and_what_to_quote() -> None:
    template = _environment().get_template("errors/error.html")

    words: Any = html.document_fromstring(
        template.render(title="Too many tries", hint="Wait a minute.", reference="7Q4M")
    )
    assert words.findtext(".//h1") == "Too many tries"
    assert "Wait a minute." in words.text_content() and words.get_element_by_id("reference").text == "7Q4M"
    assert html.document_fromstring(template.render()).findtext(".//h1") == "Sorry, something went wrong"


@pytest.mark.parametrize(
    ("text", "ground", "least"),
    [
        ("ink", "lamp", 7),
        ("ink-soft", "sand", 4.5),
        ("pine", "sand", 4.5),
        ("pine", "pine-tint", 4.5),
        ("amber-ink", "lamp-tint", 4.5),
        ("red", "red-tint", 4.5),
        ("white", "pine-dark", 7),
        ("line-strong", "paper", 3),
    ],
)
def test_words_stand_out_from_their_ground(text: str, ground: str, least: float) -> None:
    palette = dict(re.findall(r"^\$([\w-]+): (#\w{6});", (FRONTEND / "src/_palette.scss").read_text(), re.MULTILINE))
    lighter, darker = sorted((_luminance(palette[text]), _luminance(palette[ground])), reverse=True)

    assert (lighter + 0.05) / (darker + 0.05) >= least


def _luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
