"""Conversations with the real trained engine: what a person in France reads, and what happens when the engine is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import Any

import httpx
import pytest

from bot.config import ROOT
from tests.conftest import RunningEngine
from tests.end_to_end.gateway import running
from tests.wires import twilio
from tests.wires.telegram import tap_update, text_update

pytestmark = pytest.mark.engine
AT_NIGHT = "2026-11-20T02:00:00+01:00"
BY_DAY = "2026-11-20T11:00:00+01:00"


def talk(engine: RunningEngine, *lines: dict[str, Any]) -> list[dict[str, Any]]:
    """What `bot chat --jsonl` answers to these lines."""
    environment = {**os.environ, "ENGINE_URL": engine.url, "ENGINE_TOKEN": engine.token, "LOG_FORMAT": "json"}
    given = "".join(json.dumps({"conversation": "c1", "now": BY_DAY, **line}) + "\n" for line in lines)
    command = [sys.executable, "-m", "bot", "chat", "--jsonl"]
    done = subprocess.run(
        command, input=given, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def said(answer: dict[str, Any]) -> str:
    """The words of one answer."""
    return "\n".join(reply["text"] for reply in answer["replies"])


def call(engine: RunningEngine, **turn: Any) -> dict[str, Any]:
    """One turn of the engine, asked directly."""
    body = {"text": "", "payload": "", "state": None, "slots": {"language": "fr", "country": "FR"}, **turn}
    headers = {"Authorization": f"Bearer {engine.token}"}
    answer = httpx.post(f"{engine.url}/webhooks/relais/turn", json=body, headers=headers, trust_env=False)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_the_first_word_says_robot_emergency_numbers_and_limits(engine: RunningEngine) -> None:
    """R1, R8: the first message of a conversation says who answers, whom to call, and what cannot be kept."""
    (answer,) = talk(engine, {"text": "salut"})

    assert "robot" in said(answer)
    assert "15" in said(answer)
    assert "3114" in said(answer)
    assert "alerter" in said(answer)


def test_harassment_is_heard_then_referred_to_the_3018_when_it_is_open(engine: RunningEngine) -> None:
    """A bullied person is heard first, then told of the 3018 with its hours, then asked one thing."""
    (answer,) = talk(engine, {"text": "ils ont fait un groupe snap pour se foutre de moi"})

    assert "report_cyberbullying" == answer["intent"]
    assert "jusqu'à 23 h" in said(answer)
    assert answer["replies"][-1]["quick_replies"]
    assert "bot" == answer["mode"]


def test_at_night_the_closed_3018_is_said_to_be_closed_and_a_person_is_asked_for(engine: RunningEngine) -> None:
    """R18, R20: a closed service is never offered as open; the truth is told and the conversation waits for a person."""
    (answer,) = talk(engine, {"text": "ils ont fait un groupe snap pour se foutre de moi", "now": AT_NIGHT})

    assert "rouvre aujourd'hui à 9 h" in said(answer)
    assert "jour et nuit" in said(answer)
    assert "revient aujourd'hui à 18 h" in said(answer)
    assert "waiting" == answer["mode"]


def test_thoughts_of_suicide_get_empathy_one_direct_question_the_line_and_a_human(engine: RunningEngine) -> None:
    """R3: empathy, the direct question, the 3114, and the offer of a person, all in the same answer."""
    (answer,) = talk(engine, {"text": "j'ai plus envie de vivre"})

    assert "high" == answer["risk"]
    assert "tuer" in said(answer)
    assert "3114" in said(answer)
    assert "/request_human" in [reply["payload"] for reply in answer["replies"][-1]["quick_replies"]]


def test_an_emergency_reads_numbers_before_anything_else(engine: RunningEngine) -> None:
    """R2: the first message names the number to call and the one to write to in silence; a person is asked for."""
    (answer,) = talk(engine, {"text": "j'ai avalé toute la boîte"})

    assert "imminent" == answer["risk"]
    assert "15" in answer["replies"][0]["text"]
    assert "114" in answer["replies"][0]["text"]
    assert "waiting" == answer["mode"]


def test_a_child_hit_at_home_is_believed_and_asked_only_whether_they_are_safe(engine: RunningEngine) -> None:
    """R9: believed, not at fault, the law forbids it, the 119, and one question about safety."""
    (answer,) = talk(engine, {"text": "mon père me frappe"})

    assert said(answer).index("Je te crois") < said(answer).index("pas ta faute") < said(answer).index("119")
    assert "sécurité" in answer["replies"][-1]["text"]


def test_the_answer_to_a_question_is_read_as_its_answer(engine: RunningEngine) -> None:
    """A typed “non” after “es-tu en sécurité” means danger, and asks for a person."""
    answers = talk(engine, {"text": "mon père me frappe"}, {"text": "non"})

    assert "17" in said(answers[1])
    assert "waiting" == answers[1]["mode"]


def test_blackmail_with_images_is_met_with_what_helps_and_no_request_for_the_image(engine: RunningEngine) -> None:
    """R10: do not pay, do not send, keep proof, block; the image is not asked for."""
    (answer,) = talk(engine, {"text": "il menace d'envoyer mes nudes à ma famille"})

    assert "ne pas payer" in said(answer)
    assert "Ne m'envoie pas" in said(answer)


@pytest.mark.parametrize(
    ("words", "service"), [("c'est quoi le 3018", "3018"), ("c'est ouvert quand nightline", "Nightline")]
)
def test_questions_about_a_service_get_its_hours(engine: RunningEngine, words: str, service: str) -> None:
    """Asked about a service, the bot says what it is and whether it is open."""
    (answer,) = talk(engine, {"text": words})

    assert service in said(answer)


def test_wanting_a_person_puts_one_in_the_queue_and_tells_the_truth_about_when(engine: RunningEngine) -> None:
    """Asked for a person out of hours, the bot says when the team is back and which lines are open now."""
    (answer,) = talk(engine, {"text": "je veux parler à une vraie personne", "now": AT_NIGHT})

    assert "request_human" == answer["intent"]
    assert "waiting" == answer["mode"]
    assert "18 h" in said(answer)
    assert "3114" in said(answer)


@pytest.mark.parametrize(
    "words", ["merci beaucoup", "bon j'y vais bye", "t'es un robot ?", "c'est quoi la capitale du Pérou"]
)
def test_small_talk_has_an_answer(engine: RunningEngine, words: str) -> None:
    """Thanks, goodbye, who are you, something else: each has words of its own."""
    (answer,) = talk(engine, {"text": words})

    assert "none" == answer["risk"]
    assert answer["replies"]


def test_erasing_is_confirmed_in_one_step_and_leaves_no_word(engine: RunningEngine) -> None:
    """P12: asked in plain words and confirmed once, everything written is erased."""
    answers = talk(engine, {"text": "supprime tout ce que j'ai dit"}, {"text": "Oui, efface"})

    assert "/affirm" in [reply["payload"] for reply in answers[0]["replies"][-1]["quick_replies"]]
    assert "effacé" in said(answers[1])


def test_on_whatsapp_choices_are_numbered_and_a_number_answers(engine: RunningEngine) -> None:
    """Without buttons, quick replies are a numbered list; the number is as good as the words."""
    answers = talk(engine, {"text": "mon père me frappe", "channel": "whatsapp"}, {"text": "2", "channel": "whatsapp"})

    assert "1. Oui\n2. Non" in said(answers[0])
    assert "17" in said(answers[1])


def test_the_same_call_gives_the_same_answer(engine: RunningEngine) -> None:
    """The engine is a pure function: repeated with the same state, a turn answers the same and nothing is kept between."""
    first = call(engine, text="ils se moquent de moi sur insta")
    second = call(engine, text="depuis la rentrée", state=first["state"], slots={"language": "fr", "asked": "since"})

    assert first == call(engine, text="ils se moquent de moi sur insta")
    assert second == call(
        engine, text="depuis la rentrée", state=first["state"], slots={"language": "fr", "asked": "since"}
    )


def test_the_state_stays_small_and_holds_no_word_of_anybody(engine: RunningEngine) -> None:
    """Cost does not grow with the talk: after 60 turns the state is as small as after ten, and nobody's words are in it."""
    state, sizes = None, []
    for number in range(60):
        answer = call(engine, text=f"zinzolin je suis triste {number}", state=state)
        state = answer["state"]
        sizes.append(len(json.dumps(state)))

    assert max(sizes[10:]) < 1.3 * sizes[9]
    assert "zinzolin" not in json.dumps(state)


def test_the_engine_answers_nobody_without_its_token(engine: RunningEngine) -> None:
    """The engine serves the gateway alone."""
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        answer = httpx.post(f"{engine.url}/webhooks/relais/turn", json={}, headers=headers, trust_env=False)

        assert 403 == answer.status_code


def test_typed_words_never_pass_for_a_payload(engine: RunningEngine) -> None:
    """A typed “/emergency_now” is words like any other."""
    answer = call(engine, text="/thank")

    assert 1.0 > answer["confidence"]


async def test_a_tap_on_telegram_goes_through_the_engine(engine: RunningEngine, sqlite_url: str) -> None:
    """From webhook to Bot API: words, taps, inline buttons, the spinning button stopped, typing shown where one waits."""
    async with running(sqlite_url, engine_url=engine.url, engine_token=engine.token) as gateway:
        await gateway.update({**text_update(1, 20, "/start", language="en")})
        await gateway.until(lambda: any(item["reply_markup"] for item in gateway.telegram.sent))
        await gateway.update(tap_update(2, 20, "/choose_harm"))
        await gateway.until(lambda: "answerCallbackQuery" in gateway.telegram.calls)
        await gateway.until(lambda: "Where does it happen" in gateway.telegram.texts(20)[-1])
        await gateway.update(text_update(3, 20, "in my class", language="en"))
        await gateway.until(lambda: "sendChatAction" in gateway.telegram.calls)

    assert "robot" in gateway.telegram.texts(20)[0]
    buttons = gateway.telegram.sent[-1]["reply_markup"]["inline_keyboard"]
    assert all(len(button["callback_data"].encode()) <= 64 for row in buttons for button in row)


async def test_when_the_engine_is_killed_everybody_is_still_answered(
    mortal_engine: tuple[RunningEngine, subprocess.Popen[bytes]], sqlite_url: str
) -> None:
    """The engine killed while people talk: emergency words and an honest answer go out within five seconds."""
    engine, process = mortal_engine
    person = "+33600000010"
    async with running(sqlite_url, engine_url=engine.url, engine_token=engine.token) as gateway:
        await gateway.form(twilio.inbound("SM1", person, "salut"))
        await gateway.until(lambda: any("plutôt" in words for words in gateway.twilio.texts(person)))
        process.kill()
        process.wait(10)
        await gateway.form(twilio.inbound("SM2", person, "je suis triste en ce moment"))
        await gateway.until(lambda: any("ne marche pas" in words for words in gateway.twilio.texts(person)))
        await gateway.form(twilio.inbound("SM3", person, "j'ai avalé toute la boîte de médicaments"))
        await gateway.until(lambda: any("114" in words for words in gateway.twilio.texts(person)))


async def test_when_the_engine_hangs_people_do_not_wait_for_it(
    mortal_engine: tuple[RunningEngine, subprocess.Popen[bytes]], sqlite_url: str
) -> None:
    """An engine that holds the line and says nothing counts as gone after its time limit."""
    engine, process = mortal_engine
    async with running(sqlite_url, engine_url=engine.url, engine_token=engine.token) as gateway:
        process.send_signal(signal.SIGSTOP)
        await gateway.form(twilio.inbound("SM1", "+33600000011", "je suis triste en ce moment"))
        await gateway.until(lambda: any("ne marche pas" in words for words in gateway.twilio.texts("+33600000011")))
        process.send_signal(signal.SIGCONT)
