"""How names are compared: one plain spelling for every way of writing a school's name or town."""

from anyascii import anyascii

_PLAIN = {code: " " for code in range(128) if not chr(code).isalnum()} | {
    ord("'"): None,
    ord("`"): None,
    ord("&"): " and ",
    ord("?"): "?",
}
_SAME = (
    (" church of england ", " ce "),
    (" c of e ", " ce "),
    (" cofe ", " ce "),
    (" c e ", " ce "),
    (" roman catholic ", " catholic "),
    (" r c ", " catholic "),
    (" rc ", " catholic "),
    (" saint ", " st "),
    (" infants ", " infant "),
    (" juniors ", " junior "),
)


def plain(text: str) -> str:
    """Lower-case words of a-z and 0-9, one blank between: "St Mary’s C.E. School" becomes "st marys ce school".

    A `?` in a word stays: the register's encoding lacks ŵ and ŷ and writes them so.
    """
    if not text.isascii():
        text = anyascii(text)
    found = f" {' '.join(text.lower().translate(_PLAIN).split())} "
    for written, same in _SAME:
        if written in found:
            found = found.replace(written, same)
    return found.strip()


def spelled(text: str) -> str:
    """The plain spelling to search in; a word that lost a letter stands there in both spellings it may have had."""
    found = plain(text)
    if "?" not in found:
        return found
    return " ".join(spelling for word in found.split() for spelling in spellings(word))


def spellings(word: str) -> list[str]:
    """A plain word as it may have been before its ŵ or ŷ became `?`; none for a `?` that stands alone."""
    if "?" not in word:
        return [word]
    return [word.replace("?", letter) for letter in "wy"] if word.strip("?") else []
