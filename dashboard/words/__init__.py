"""Words: the page's texts, a module a language, and the choice between them."""

from typing import Final

from dashboard.words.en import ENGLISH
from dashboard.words.es import SPANISH
from dashboard.words.texts import Texts

LANGUAGES: Final[dict[str, Texts]] = {"en": ENGLISH, "es": SPANISH}


def choose_language(remembered: str | None, accepted: str | None) -> Texts:
    """Choose by what a person has chosen before, or else by what the browser says (``Accept-Language``)."""
    if remembered in LANGUAGES:
        return LANGUAGES[remembered]
    weighed = [_weigh(part) for part in (accepted or "").split(",")[:20]]
    for _, language in sorted(weighed, key=lambda each: -each[0]):
        if language in LANGUAGES:
            return LANGUAGES[language]
    return ENGLISH


def _weigh(part: str) -> tuple[float, str]:
    tag, _, weight = part.strip().partition(";q=")
    try:
        return float(weight or 1), tag.split("-")[0].lower()
    except ValueError:
        return 0.0, ""
