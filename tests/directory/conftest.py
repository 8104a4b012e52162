from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.directory import gias
from tests.directory.build import saved

Load = Callable[..., gias.Report]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Import these bytes as the register; `links` and `groups` as bytes too."""

    def run(data: bytes, *, links: bytes | None = None, groups: bytes | None = None, **options: Any) -> gias.Report:
        return gias.import_files(
            saved(tmp_path, data),
            saved(tmp_path, links, "links_edubasealldata.csv") if links is not None else None,
            saved(tmp_path, groups, "alllinksdata.csv") if groups is not None else None,
            **options,
        )

    return run
