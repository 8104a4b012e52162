"""Why the law lets a kind of data be shared: a lawful basis and, for special-category data, a condition as well.

Both are chosen from the law's own lists (UK GDPR Articles 6(1) and 9(2)). What is stored is the number of the point of
the law; its words are here and nowhere else, so that every page and receipt says the same. Before there were lists,
partners typed them: such a text is shown as it is, and counts no more when the partner next says what it asks for.
"""

# In the order in which a form offers them: what fits a school most often comes first.
BASES: dict[str, str] = {
    "6(1)(e)": "Public task",
    "6(1)(c)": "Legal obligation",
    "6(1)(b)": "Contract",
    "6(1)(f)": "Legitimate interests",
    "6(1)(d)": "Vital interests",
    "6(1)(a)": "Consent",
}
# Those of Article 9(2) that a school may have: bodies such as churches and unions (d), and what somebody made public
# themselves (e), are none of it.
CONDITIONS: dict[str, str] = {
    "9(2)(g)": "Substantial public interest",
    "9(2)(a)": "Explicit consent",
    "9(2)(b)": "Employment, social security and social protection law",
    "9(2)(c)": "Vital interests",
    "9(2)(f)": "Legal claims",
    "9(2)(h)": "Health or social care",
    "9(2)(i)": "Public health",
    "9(2)(j)": "Archiving, research and statistics",
}
PUBLIC_TASK, PUBLIC_INTEREST = "6(1)(e)", "9(2)(g)"

_WORDS = {point: f"{name} (UK GDPR Article {point})" for point, name in (BASES | CONDITIONS).items()}
_POINTS = {text: point for point, text in _WORDS.items()}


def words(stored: str | None) -> str:
    """What people read for a stored basis or condition; a text from before the lists as it is, nothing for nothing."""
    return _WORDS.get(stored or "", stored or "")


def point(stored: str | None) -> str:
    """The point of the law that a stored basis or condition names; empty for a text that is in neither list."""
    named = stored or ""
    return named if named in _WORDS else _POINTS.get(named, "")


def choices(points: dict[str, str]) -> list[tuple[str, str]]:
    """`BASES` or `CONDITIONS` for a drop-down list: pairs of what is sent and what is read, nothing chosen first."""
    return [("", "Choose one"), *((one, _WORDS[one]) for one in points)]
