"""Finding establishments by name or town: the words as typed first, then the words they may have been.

An index of trigrams finds the rows that have all telling words; here they are weighed. Only when nothing has them all
are the words compared with those that the register knows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rapidfuzz import process
from rapidfuzz.distance import OSA

from app.db import Session
from app.models import register
from app.models.establishment import MAY_REGISTER
from app.models.spelling import plain, spellings

MOST = 500
MOST_WORDS = 10
EVERYWHERE = {
    "a",
    "academy",
    "and",
    "at",
    "ce",
    "college",
    "community",
    "for",
    "in",
    "infant",
    "junior",
    "nursery",
    "of",
    "primary",
    "school",
    "st",
    "the",
}
NEAREST = "No name has exactly these words. These are the nearest."
NEAREST_ONE = "No name has exactly these words. This is the nearest."
TOO_MANY = f"More than {MOST} schools match. Add the town to see fewer."

Group = dict[str, float]  # what one typed word may have been, and how near each is: 1 is as typed


@dataclass(frozen=True)
class _Vocabulary:
    made_for: Any
    words: list[str]
    together: str


_vocabulary = _Vocabulary(None, [], "")


def ranked(db: Session, text: str) -> tuple[list[int], str]:
    """The URNs that a name or town means, open and nearest first, and a remark on how they were found."""
    words = dict.fromkeys(plain(text).split()[:MOST_WORDS])
    groups = [dict.fromkeys(spelled, 1.0) for word in words if (spelled := spellings(word))]
    if not groups:
        return [], ""
    telling = _telling(groups)
    found = _having(db, telling)
    if found:
        return _in_order(found, groups), TOO_MANY if len(found) == MOST else ""
    known = _words(db)
    strange = [group for group in telling if not any(f" {word} " in known.together for word in group)] or telling
    meant = [_meant(group, known) if group in strange else group for group in groups]
    telling = _telling([group for group in meant if group])
    found = _having(db, telling) if telling else []
    if not found and len(telling) > 1:  # each word is known, but not all together
        found = list({candidate: None for group in telling for candidate in _having(db, [group])})
    ordered = _in_order(found, meant, within=0.15)
    return ordered, (NEAREST_ONE if len(ordered) == 1 else NEAREST) if ordered else ""


def _telling(groups: list[Group]) -> list[Group]:
    """The words to look for: not those that half the register has, unless there are no others."""
    return [group for group in groups if not group.keys() <= EVERYWHERE] or groups


def _having(db: Session, groups: Sequence[Group]) -> list[register.Candidate]:
    return register.named(db, [sorted({_part(word) for word in group}) for group in groups], MOST)


def _part(word: str) -> str:
    """What a text must have: a long word anywhere, a short one where a word begins, a letter on its own.

    Without a last s, so that "marys" finds "mary" and "infants" "infant".
    """
    stem = word[:-1] if len(word) > 3 and word[-1] == "s" else word
    return stem if len(stem) > 4 else f" {stem}" if len(stem) > 1 else f" {stem} "


def _in_order(found: Sequence[register.Candidate], groups: Sequence[Group], within: float = 1) -> list[int]:
    """Open ones first; among those, names that start as typed, then by how well the words fit, then the newest. Those
    whose words fit worse than the best by more than `within` are left out."""
    start = "".join(f" {max(group, key=group.__getitem__)}" for group in groups if group)
    scores = [_score(row.text, groups) for row in found]
    least = max(scores, default=0) - within
    keys = [
        (row.status_code in MAY_REGISTER, row.text.startswith(start), round(score, 1), row.open_date, row.urn)
        for row, score in zip(found, scores, strict=True)
        if score >= least
    ]
    return [key[-1] for key in sorted(keys, reverse=True)]


def _score(text: str, groups: Sequence[Group]) -> float:
    """How much of what was typed is in a name and place, 0 to 1; a whole word counts more than a part of one."""
    text += " "
    total = gained = 0.0
    for group in groups:
        weight = 0.3 if group.keys() <= EVERYWHERE else 1.0
        best = 0.0
        for word, near in group.items():
            if near > best and (fit := _fit(text, word) * near) > best:
                best = fit
        total += weight
        gained += weight * best
    return gained / total


def _fit(text: str, word: str) -> float:
    if f" {word} " in text:
        return 1.0
    if len(word) < 3:
        return 0.0
    return 0.9 if f" {word}" in text else 0.7 if _part(word) in text else 0.0


def _meant(group: Group, known: _Vocabulary) -> Group:
    """What the words of a group may have been: themselves if they are part of a word, and what is spelled alike."""
    found: Group = {}
    for word in group:
        if _part(word) in known.together:
            found[word] = 1.0
        near = process.extract(word, known.words, scorer=OSA.normalized_similarity, score_cutoff=0.65, limit=4)
        for other, score, _ in near:
            if score > near[0][1] - 0.15:
                found.setdefault(other, score)
        for at in range(2, len(word) - 2):  # "stmarys", "milllane"
            if f" {word[:at]} " in known.together and f" {word[at:]} " in known.together:
                found[f"{word[:at]} {word[at:]}"] = 1.0
    return found


def _words(db: Session) -> _Vocabulary:
    """Every word of the register, read once for each import and kept in this process (some 200 kB)."""
    global _vocabulary  # noqa: PLW0603 - one reference, swapped whole
    newest = register.newest_import(db)
    if newest is None or newest != _vocabulary.made_for:
        words = register.words(db)
        _vocabulary = _Vocabulary(newest, words, f" {' '.join(words)} ")
    return _vocabulary
