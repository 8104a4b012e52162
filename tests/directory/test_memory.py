import tracemalloc
from pathlib import Path

from app.bench.edubase import multiplied
from app.directory import gias


def test_an_import_holds_a_small_part_of_the_file_in_memory(tmp_path: Path) -> None:
    file = tmp_path / "edubasealldata.csv"
    multiplied(6000, file)
    gias.import_files(file)
    changed = tmp_path / "changed.csv"
    changed.write_bytes(file.read_bytes().replace(b" School", b" Schule"))

    tracemalloc.start()
    report = gias.import_files(changed)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert report.changed > 3000
    assert peak < changed.stat().st_size / 2
