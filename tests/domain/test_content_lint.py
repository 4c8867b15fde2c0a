"""The content gate: what it lets through and what stops the build."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.commands.directory import content, longest_values
from bot.config import ROOT
from bot.domain.content_lint import LANGUAGES, Response, lint_content
from bot.store.directory import load_directory

DIRECTORY = load_directory(ROOT / "directory")
LONGEST = longest_values(DIRECTORY)
HARD = (
    "Toute démarche thérapeutique institutionnelle nécessite préalablement une autorisation administrative "
    "départementale correspondante, nominative, circonstanciée."
)
TEXTS = {"fr": "Je t'écoute.", "en": "I'm listening.", "ar": "أنا أسمعك."}


def said(key: str = "utter_x", **changes: object) -> tuple[Response, ...]:
    """A key in every language, with these changes to the French."""
    items = [Response("x.yml", key, language, TEXTS[language], waits_for_review=True) for language in LANGUAGES]
    return (replace(items[0], **changes), *items[1:])  # type: ignore[arg-type]


def found(*responses: Response) -> list[str]:
    """What the gate says about them."""
    findings = lint_content(responses, intents=("affirm", "deny"), services=DIRECTORY.services, longest=LONGEST)
    return [finding.what for finding in findings]


def test_the_words_of_this_helpline_pass() -> None:
    """Nothing that is said here breaks a rule of the safe-messaging list or of the voice."""
    assert () == content(ROOT / "responses", DIRECTORY)


def test_plain_words_pass() -> None:
    """Ordinary kind words are no finding."""
    assert [] == found(*said())


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("R5", "Avec une corde, c'est fini."),
        ("R6", "Pense à ta famille."),
        ("R6", "C'est juste une phase."),
        ("R7", "Je te promets que ça reste entre nous."),
        ("R7", "Tu dois en parler."),
        ("R7", "Calme-toi."),
        ("R9", "Pourquoi tu n'as rien dit ?"),
        ("R10", "Envoie-moi la photo."),
        ("R11", "Promets-moi de ne pas recommencer."),
        ("R12", "Un kilo, 500 kcal, un régime."),
        ("R21", "Je t'aime."),
        ("R21", "Tu as une dépression."),
        ("voice", "Bravo !"),
        ("voice", "Tu es seule ?"),
        ("voice", "Tu es prêt·e ?"),
    ],
)
def test_forbidden_words_stop_the_build(rule: str, text: str) -> None:
    """Each phrase that hurts, promises, orders, diagnoses or assumes is found, with the rule it breaks."""
    assert any(f"({rule})" in what for what in found(*said(text=text)))


@pytest.mark.parametrize(
    "text",
    [
        "Tu peux appeler le 06 12 34 56 78.",
        "Appelle le 3114.",
        "\u2068Texte",
        "Texte \u202e renversé",
        "Où ? Quand ?",
        "Si {inconnu} répond, c'est bien.",
        "mot " * 40,
        "Appelle. " * 100,
        HARD,
    ],
)
def test_form_stops_the_build(text: str) -> None:
    """Numbers outside the directory, loose marks of direction, two questions, unknown holes, walls and hard words are found."""
    assert found(*said(text=text))


def test_a_missing_language_or_another_choice_stops_the_build() -> None:
    """A missing translation, or a button that leads elsewhere in one language, is found."""
    assert ["no words in ar"] == [what for what in found(*said()[:2]) if "no words" in what]
    assert any("lead elsewhere" in what for what in found(*said(titles=("Oui",), payloads=("/affirm",))))


def test_a_choice_fits_a_button_and_is_known() -> None:
    """Twenty characters, sixty-four bytes, an intent of the domain."""
    items = said(titles=("x" * 21, "Non", "Non"), payloads=("/affirm", "/nothing", f"/deny{{{'x' * 64}}}"))

    assert {"21 characters", "not an intent", "64 bytes", "look alike"} == {
        part
        for part in ("21 characters", "not an intent", "64 bytes", "look alike")
        if any(part in what for what in found(*items))
    }


def test_a_question_has_choices() -> None:
    """Somebody with shaking hands can answer with one tap."""
    assert any("asks without choices" in what for what in found(*said("utter_ask_x")))


@pytest.mark.parametrize(
    "order",
    [
        {"do": "dance"},
        {"do": "refer", "theme": "weather"},
        {"do": "service", "id": "fr-3020"},
        {"do": "exercise", "steps": [{"say": "utter_nowhere", "after": 1}]},
    ],
)
def test_an_order_the_gateway_does_not_know_stops_the_build(order: dict[str, object]) -> None:
    """What the engine orders, the gateway can do, with words and services that exist."""
    assert found(Response("orders.yml", "utter_do_x", "", "", do=order))


def test_arabic_nobody_has_reviewed_says_so() -> None:
    """R23: Arabic carries needs_native_review until a native has read it."""
    french, english, arabic = said()

    assert any(
        "needs_native_review" in what for what in found(french, english, replace(arabic, waits_for_review=False))
    )
