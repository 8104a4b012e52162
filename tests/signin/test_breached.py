"""The offline list of breached and common passwords."""

import secrets
import subprocess
import sys
import time

import pytest

from app.signin import passwords
from app.signin.passwords import COMMON, PREFIX_BYTES, NotGoodEnough, check


@pytest.mark.parametrize(
    "password",
    [
        "password1",
        "PASSWORD1",
        "  iloveyou ",
        "Qwertyuiop!",
        "!!sunshine1!!",
        "ｐａｓｓｗｏｒｄ１",
        "football12",
        "trustno1",
        "password123456",
        "99sunshine26!",
    ],
)
def test_what_attackers_try_first_is_refused_however_it_is_dressed_up(password: str) -> None:
    with pytest.raises(NotGoodEnough, match="attackers try first"):
        check(password, [])
    check("violet tractor seventeen", [])


def test_the_list_is_long_sorted_without_repeats_and_small() -> None:
    data = COMMON.read_bytes()
    prefixes = [data[at : at + PREFIX_BYTES] for at in range(0, len(data), PREFIX_BYTES)]

    assert len(data) <= 1_000_000 and len(data) % PREFIX_BYTES == 0
    assert len(prefixes) > 199_000
    assert prefixes == sorted(set(prefixes))


def test_the_first_and_the_last_of_the_list_are_found_and_their_neighbours_are_not() -> None:
    listed = passwords._common()
    ends = listed[:PREFIX_BYTES], listed[-PREFIX_BYTES:]
    found = {end: passwords._holds(end) for end in ends}
    assert found == dict.fromkeys(ends, True)
    assert not passwords._holds(b"\x00" * PREFIX_BYTES) and not passwords._holds(b"\xff" * PREFIX_BYTES)


def test_passwords_made_at_random_are_not_taken_for_common_ones() -> None:
    taken = [word for word in (secrets.token_urlsafe(9) for _ in range(20_000)) if passwords._is_common(word)]
    assert taken == []
    assert all(not passwords._is_common(passwords.generated()) for _ in range(1000))
    assert passwords._is_common("password1")


def test_looking_one_up_is_quick() -> None:
    passwords._is_common("anything at all")
    start = time.perf_counter()
    for number in range(1000):
        passwords._is_common(f"anything at all {number}")
    assert time.perf_counter() - start < 1


def test_the_list_is_not_read_at_the_start_and_costs_little_memory_when_it_is() -> None:
    program = """
import resource
from app.signin import passwords
assert passwords._common.cache_info().currsize == 0
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert passwords._is_common("password1")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 4096  # KB
