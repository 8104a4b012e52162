import csv
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import app
from app.web.spreadsheet import harmless
from tests.directory.build import SAMPLE, SAMPLE_GROUPS, SAMPLE_LINKS, directory, raw, row, rows, saved
from tests.directory.conftest import Load


def run(*arguments: str | Path) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return done.exit_code, done.stdout, done.stderr


def test_an_import_prints_its_report() -> None:
    code, out, err = run("edubase", "import", SAMPLE, "--links", SAMPLE_LINKS, "--groups", SAMPLE_GROUPS)

    assert code == 0
    assert "300 added, 0 changed, 0 closed, 0 unchanged, 0 skipped" in out
    assert "Reading" in err, "the bar stays off standard output"


def test_an_import_prints_json_alone() -> None:
    run("edubase", "import", SAMPLE)

    code, out, _ = run("edubase", "import", SAMPLE, "--links", SAMPLE_LINKS, "--json")

    report = json.loads(out)
    assert (code, report["read"], report["added"], report["unchanged"]) == (0, 300, 0, 300)
    assert report["links"]["added"] > 0 and report["groups"] is None and report["seconds"] >= 0


def test_a_bad_file_fails_with_the_reason(tmp_path: Path) -> None:
    run("edubase", "import", SAMPLE)

    code, out, err = run("edubase", "import", saved(tmp_path, b"<html>"))
    assert (code, out) == (1, "")
    assert "is a web page" in err
    assert len(directory()) == 300

    shorter = saved(tmp_path, raw(*rows(20)))
    assert run("edubase", "import", shorter)[0] == 1
    assert run("edubase", "import", shorter, "--force")[0] == 0


def test_skipped_rows_and_absent_records_are_told(load: Load, tmp_path: Path) -> None:
    load(raw(*rows(12)))

    _, out, _ = run("edubase", "import", saved(tmp_path, raw(*rows(11), row(100020, name=""))))

    assert "Skipped 1: EstablishmentName is blank or unreadable (first on line 13)." in out
    assert "1 establishments are not in the file; they stay as they were." in out


def test_a_search_prints_what_the_page_would_show(load: Load) -> None:
    load(raw(row(100000, establishment_number="2999", name="Larkspur School")))

    assert "100000  888/2999  Larkspur School, Anytown, YO7 8SR (Open)" in run("edubase", "search", "8882999")[1]
    assert json.loads(run("edubase", "search", "larkspur", "--json")[1])["establishments"][0]["urn"] == 100000
    assert "Nothing for “zzyzx”." in run("edubase", "search", "zzyzx")[1]


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_names_that_a_spreadsheet_would_run_are_harmless_in_csv(load: Load, start: str) -> None:
    name = f"{start}HYPERLINK(1) School"
    load(raw(row(100000, name=name), row(100001, name="Larkspur School")))

    found = list(csv.DictReader(io.StringIO(run("edubase", "search", "school", "--csv")[1])))

    assert {one["Name"] for one in found} == {f"'{name}", "Larkspur School"}
    assert directory()[0]["name"] == name, "only the export is changed"
    assert harmless(" =1") == "' =1" and harmless("A=1") == "A=1"


@pytest.mark.once
def test_the_bench_measures_a_small_register() -> None:
    code, out, _ = run("bench", "edubase", "--rows", "300", "--json")

    figures = json.loads(out)
    assert code == 0
    assert figures["rows"] == 300 and figures["first_import_ratio"] > 0
    assert {times["found"] for kind, times in figures["searches"].items() if "typo" not in kind} == {1.0}
