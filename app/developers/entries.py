"""What an entry of the page of errors is made of."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    code: str
    where: str
    meaning: str
    fix: str


@dataclass(frozen=True)
class Group:
    title: str
    words: str
    entries: tuple[Entry, ...]
