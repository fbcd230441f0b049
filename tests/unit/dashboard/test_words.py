import string
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest

from dashboard.address import SORTS
from dashboard.status import STATES
from dashboard.words import LANGUAGES, choose_language
from dashboard.words.texts import Texts

ENGLISH = LANGUAGES["en"]
#: Words that are the same in both.
SAME = {"ticks", "title", "live"}


def texts(language: Texts) -> Iterator[tuple[str, str]]:
    for field in fields(language):
        value: Any = getattr(language, field.name)
        yield from (
            ((f"{field.name}.{key}", text) for key, text in value.items())
            if isinstance(value, dict)
            else [(field.name, value)]
        )


def blanks(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=list(LANGUAGES))
def test_every_language_has_the_same_texts_with_the_same_blanks(language: Texts) -> None:
    mine, english = dict(texts(language)), dict(texts(ENGLISH))
    assert mine.keys() == english.keys()
    assert {key: blanks(text) for key, text in mine.items()} == {key: blanks(text) for key, text in english.items()}
    assert all(text.strip() == text and text for text in mine.values())


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=list(LANGUAGES))
def test_every_state_and_every_order_has_a_name(language: Texts) -> None:
    assert set(language.states) == {*STATES, "unknown"}
    assert set(language.sorts) == set(SORTS)


def test_a_language_is_called_by_its_name() -> None:
    assert {name: language.language for name, language in LANGUAGES.items()} == {"en": "en", "es": "es"}


def test_no_sentence_was_forgotten_in_a_translation() -> None:
    english = dict(texts(ENGLISH))
    left = {key for key, text in texts(LANGUAGES["es"]) if text == english[key] and " " in text}
    assert left == set()


@pytest.mark.parametrize(
    ("remembered", "accepted", "expected"),
    [
        (None, None, "en"), (None, "es", "es"), (None, "es-AR,es;q=0.9,en;q=0.8", "es"), (None, "ES-mx", "es"),
        (None, "en-GB,es;q=0.9", "en"), (None, "fr,es;q=0.3,en;q=0.2", "es"), (None, "fr;q=1", "en"),
        (None, "es;q=zero", "en"), (None, ";;q=,,", "en"), ("es", "en", "es"), ("en", "es", "en"),
        ("../etc", "es", "es"),
    ],
)  # fmt: skip
def test_the_choice_is_a_persons_own_or_their_browsers(
    remembered: str | None, accepted: str | None, expected: str
) -> None:
    assert choose_language(remembered, accepted).language == expected
