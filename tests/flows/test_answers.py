"""What is typed after a question of ours: an answer, unless it clearly says something else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.domain.conversations import Mode
from bot.domain.messages import InboundKind
from bot.domain.replies import EngineAnswer
from bot.domain.risk import Assessment, RiskLevel
from bot.domain.turns import DialogueState, Thread, Turn, TurnMessage
from bot.flows.answers import SURE, taken_as_answer


def _turn(text: str, asked: str, payload: str = "") -> Turn:
    calm = Assessment(RiskLevel.NONE, "fr", (), ())
    state = DialogueState(asked=asked)
    thread = Thread(
        1, 1, "telegram", Mode.BOT, RiskLevel.HIGH, (), "fr", False, "FR", None, False, False, 3, 0, state=state
    )
    message = TurnMessage(1, InboundKind.TEXT, text, payload, calm)
    return Turn(thread, (message,), datetime(2026, 11, 21, 15, tzinfo=UTC))


def _answer(intent: str, confidence: float) -> EngineAnswer:
    return EngineAnswer(intent, confidence, (), {})


def test_a_few_words_after_a_question_are_an_answer_to_it() -> None:
    """“C'est lui seul qui les a” after “who has them?” is not about being alone."""
    turn = _turn("C'est lui seul qui les a", "sextortion_kind")

    assert taken_as_answer(turn, _answer("distress_loneliness", 0.6)) == "/inform"


@pytest.mark.parametrize(
    ("turn", "answer"),
    [
        (_turn("j'ai plus personne", ""), _answer("distress_loneliness", 0.6)),
        (_turn("j'ai plus personne", "since"), _answer("distress_loneliness", SURE)),
        (_turn("je veux en finir", "since"), _answer("suicidal_ideation", 0.5)),
        (_turn("à cause de mes parents", "low_kind"), _answer("distress_family", 0.6)),
        (_turn("la solitude", "clarify"), _answer("distress_loneliness", 0.6)),
        (_turn("Quelques jours", "since", "/inform"), _answer("distress_loneliness", 0.6)),
        (
            _turn("depuis que mon copain est parti je mange plus avec personne", "since"),
            _answer("distress_loneliness", 0.6),
        ),
    ],
    ids=[
        "nothing asked",
        "sure of it",
        "danger",
        "a theme was asked for",
        "a meaning was asked for",
        "tapped",
        "many words",
    ],
)
def test_what_clearly_says_something_else_is_heard(turn: Turn, answer: EngineAnswer) -> None:
    """Danger, a theme we are sure of, many words, a theme that was asked for: none of these is taken for a mere answer."""
    assert taken_as_answer(turn, answer) == ""
