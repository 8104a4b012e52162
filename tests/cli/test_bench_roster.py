"""`gatehouse bench roster`: it takes schools in, reads them whole, and says what that took."""

import json

import pytest

from tests.cli.test_commands import gatehouse


@pytest.mark.once
def test_intake_and_reading_are_measured_at_each_number_of_schools() -> None:
    ran = gatehouse("bench", "roster", "--pupils", "40", "--schools", "1", "--schools", "3", "--json")

    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout)
    assert [at["schools"] for at in said["at"]] == [1, 3]
    for at in said["at"]:
        assert at["rows"]["users"] == 40 + 60 + 8 and at["rows"]["demographics"] == 40
        assert min(at[name] for name in ("first", "unchanged", "changed", "read_whole", "dump_alone")) > 0
