"""Leaving fast, exercises, feedback and settings, down to the rows and the provider's calls."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from bot.config import async_database_url
from bot.domain.messages import DeliveryStatus
from bot.store.database import Database
from tests.conftest import RunningEngine
from tests.end_to_end.gateway import running
from tests.talking import Town, town
from tests.wires import twilio
from tests.wires.telegram import text_update


@pytest.fixture(scope="module")
def helpline(engine: RunningEngine) -> Iterator[Town]:
    """One pipeline for those tests that need the engine."""
    with town(engine) as started:
        yield started


async def rows(url: str, query: str) -> list[tuple[object, ...]]:
    """What the database holds."""
    database = Database(async_database_url(url))
    async with database.engine.connect() as connection:
        found = [tuple(row) for row in (await connection.execute(text(query))).all()]
    await database.close()
    return found


async def test_leaving_fast_deletes_both_sides_on_telegram_before_the_neutral_word(sqlite_url: str) -> None:
    """R24: one word, without any engine, and the chat on the phone holds nothing but a neutral line."""
    async with running(sqlite_url) as gateway:
        await gateway.update(text_update(1, 30, "je suis triste en ce moment"))
        await gateway.until(lambda: len(gateway.telegram.texts(30)) >= 4)
        before = len(gateway.telegram.texts(30))
        await gateway.update(text_update(2, 30, "sortie"))
        await gateway.until(lambda: len(gateway.telegram.texts(30)) > before)
        done = await rows(sqlite_url, "SELECT external_ids, done_at FROM retractions")

    assert ["D'accord, à plus."] == gateway.telegram.texts(30)[before:]
    assert gateway.telegram.calls.index("deleteMessages") < len(gateway.telegram.calls) - 1
    assert {1, 2} <= set(gateway.telegram.retracted)
    assert set(range(1, before + 1)) <= set(gateway.telegram.retracted)
    assert all(finished for _, finished in done)


async def test_leaving_fast_on_whatsapp_says_how_to_clear_the_chat(sqlite_url: str) -> None:
    """R24: where a bot can delete nothing, the person is told how, in words that tell nobody anything."""
    async with running(sqlite_url) as gateway:
        await gateway.form(twilio.inbound("SM1", "+33600000031", "sortie"))
        await gateway.until(lambda: bool(gateway.twilio.texts("+33600000031")))

    assert all("Relais" not in said for said in gateway.twilio.texts("+33600000031"))
    assert "Supprimer" in gateway.twilio.texts("+33600000031")[-1]


async def test_a_provider_that_refuses_to_delete_does_not_hold_up_the_word(sqlite_url: str) -> None:
    """Messages older than the provider's limit stay; the neutral word goes out all the same."""
    async with running(sqlite_url) as gateway:
        gateway.telegram.refuses_to_delete = True
        await gateway.update(text_update(1, 32, "sortie"))
        await gateway.until(lambda: bool(gateway.telegram.texts(32)))

    assert "D'accord, à plus." == gateway.telegram.texts(32)[-1]


@pytest.mark.engine
async def test_an_exercise_comes_step_by_step_and_ends_with_the_next_word(
    engine: RunningEngine, sqlite_url: str
) -> None:
    """An exercise is said little by little, and whoever writes in the middle of it hears no more of it."""
    async with running(sqlite_url, engine_url=engine.url, engine_token=engine.token) as gateway:
        person = "+33600000033"
        await gateway.form(
            twilio.inbound("SM1", person, "t'as un exercice pour me calmer") | {"ButtonPayload": "/ask_wellbeing"}
        )
        await gateway.until(lambda: any("1. Respirer" in said for said in gateway.twilio.texts(person)))
        await gateway.form(twilio.inbound("SM2", person, "1"))
        await gateway.until(lambda: any("On respire à deux" in said for said in gateway.twilio.texts(person)))
        later = await rows(sqlite_url, "SELECT key FROM outbound_messages WHERE status = 0 ORDER BY id")
        await gateway.form(twilio.inbound("SM3", person, "merci bcp"))
        await gateway.until(lambda: any("aidé" in said for said in gateway.twilio.texts(person)))
        given_up = await rows(
            sqlite_url, f"SELECT key FROM outbound_messages WHERE status = {DeliveryStatus.WITHDRAWN}"
        )

    assert ("utter_breathing_in",) in later
    assert set(later) <= set(given_up) | {("utter_breathing_in",)}
    assert not any("encore trois fois" in said for said in gateway.twilio.texts(person))


@pytest.mark.engine
async def test_feedback_is_kept_without_identity(engine: RunningEngine, sqlite_url: str) -> None:
    """One tap says whether it helped; what is kept is a day, a topic and a language, tied to nobody."""
    async with running(sqlite_url, engine_url=engine.url, engine_token=engine.token) as gateway:
        person = "+33600000034"
        await gateway.form(twilio.inbound("SM1", person, "…") | {"ButtonPayload": "/distress_low_mood"})
        await gateway.until(lambda: any("longtemps" in said for said in gateway.twilio.texts(person)))
        await gateway.form(twilio.inbound("SM2", person, "…") | {"ButtonPayload": "/thank"})
        await gateway.until(lambda: any("est-ce que ça t'a aidé" in said for said in gateway.twilio.texts(person)))
        await gateway.form(twilio.inbound("SM9", person, "1"))
        await gateway.until(lambda: any("ça aide à mieux faire" in said for said in gateway.twilio.texts(person)))
        kept = await rows(sqlite_url, "SELECT helped, topic, language FROM feedback")
        columns = await rows(sqlite_url, "SELECT name FROM pragma_table_info('feedback')")

    assert [("yes", "distress_low_mood", "fr")] == kept
    assert [("id",), ("day",), ("helped",), ("topic",), ("language",)] == columns


@pytest.mark.engine
def test_in_discreet_mode_no_first_line_says_anything(helpline: Town) -> None:
    """Once discreet mode is on, the first line of every message, help lines and emergencies included, says nothing."""
    person = helpline.person()
    person.says("discret")
    answers = [person.says(words) for words in ("mon père me frappe", "[Non]", "j'ai avalé toute la boîte", "discret")]
    first_lines = [message.text.splitlines()[0] for answer in answers[:3] for message in answer.messages]

    assert all(line.endswith(":") and len(line) < 25 for line in first_lines)
    assert "Appelle maintenant le 15" in answers[2].messages[0].text
    assert "messages normaux" in answers[3].text


@pytest.mark.engine
def test_the_age_is_asked_once_where_it_changes_the_answer_and_may_be_skipped(helpline: Town) -> None:
    """P6: a band, never a date; skipped, help goes on; given, the line for that age comes first."""
    young, silent = helpline.person(), helpline.person()
    for person in (young, silent):
        person.says("/ask_nightline")
    given, skipped = young.says("[13-14 ans]"), silent.says("[Je passe]")

    assert "13_14" == given.settings["age"]
    assert "Nightline" not in given.text
    assert "Fil Santé Jeunes" in given.text
    assert {} == skipped.settings
    assert skipped.choices


@pytest.mark.engine
def test_after_moving_the_numbers_are_those_of_the_new_country(helpline: Town) -> None:
    """Who says they are in Morocco gets Morocco's numbers at once and from then on."""
    person = helpline.person()
    person.says("/change_country")
    moved = person.says("[Maroc]")
    later = person.says("j'ai avalé toute la boîte")

    assert "MA" == moved.settings["country"]
    assert "19" in moved.text
    assert "112" not in later.text
    assert "15" in later.messages[0].text


@pytest.mark.engine
def test_starting_again_forgets_the_question_not_the_risk(helpline: Town) -> None:
    """“Recommencer” clears the dialogue; what a careful person would remember stays."""
    person = helpline.person()
    person.says("/suicidal_ideation")
    again = person.says("recommencer")
    exercise = person.says("/ask_wellbeing")

    assert "utter_restarted" in again.keys
    assert any(key.startswith("utter_refer_") for key in exercise.keys) or again.settings == {"restart": "yes"}


@pytest.mark.engine
@pytest.mark.parametrize(("hour", "is_night"), [("21:59", False), ("22:00", True), ("03:00", True), ("06:00", False)])
def test_winding_down_is_for_after_ten(helpline: Town, hour: str, is_night: bool) -> None:
    """The wind-down begins after 22:00 in the person's own time; before, they are told when."""
    person = helpline.person(when=f"2026-11-24T{hour}")
    person.says("/ask_wellbeing")
    answer = person.says("[M'endormir]")

    assert is_night == ("utter_wind_down_face" in answer.keys)
    assert is_night != ("utter_wind_down_later" in answer.keys)


@pytest.mark.engine
def test_at_high_risk_help_comes_before_an_exercise(helpline: Town) -> None:
    """An exercise is never offered instead of help: after a serious word the lines come first."""
    person = helpline.person()
    person.says("/suicidal_ideation")
    person.says("[Non]")
    person.says("/ask_wellbeing")
    keys = person.says("[Respirer]").keys

    assert keys.index("utter_refer_distress") < keys.index("utter_breathing_start")


@pytest.mark.engine
def test_the_steps_of_an_exercise_leave_time_to_do_them(helpline: Town) -> None:
    """Nobody breathes out while reading: each step waits for the one before."""
    person = helpline.person()
    person.says("/ask_wellbeing")
    steps = person.says("[Revenir ici]").planned

    assert all(
        timedelta(seconds=step.after) >= timedelta(seconds=5)
        for step in steps[1:]
        if step.key.startswith("utter_grounding")
    )


@pytest.mark.engine
@pytest.mark.parametrize("word", ["stop", "Arrête", "صافي"])
def test_stop_in_an_exercise_ends_the_exercise_and_not_the_talk(helpline: Town, word: str) -> None:
    """Who types “stop” while winding down is not cut off: the exercise ends and the door stays open."""
    person = helpline.person(when="2026-11-24T23:30")
    person.says("/ask_wellbeing")
    person.says("[M'endormir]")
    answer = person.says(word)

    assert ["utter_exercise_stopped"] == answer.keys
    assert {} == answer.settings


@pytest.mark.engine
def test_nobody_on_duty_the_lines_given_are_those_for_what_was_told(helpline: Town) -> None:
    """R18: who speaks of dying and asks for a person at night reads the line for that first, not any line."""
    person = helpline.person(when="2026-11-25T03:00")
    person.says("/suicidal_ideation")
    answer = person.says("une personne")

    lines = answer.messages[answer.keys.index("utter_refer_suicide")]

    assert lines.text.split("\n\n")[1].endswith("3114")


@pytest.mark.engine
def test_lines_given_a_turn_ago_are_not_said_again(helpline: Town) -> None:
    """The same list twice in a row is a machine; in danger it is repeated all the same."""
    person, in_danger = helpline.person(), helpline.person()
    person.says("/distress_low_mood")
    in_danger.says("/suicidal_ideation")

    assert "utter_refer_distress" not in person.says("/distress_self_esteem").keys
    assert "utter_refer_suicide" in in_danger.says("/suicidal_ideation").keys


@pytest.mark.engine
def test_a_choice_typed_loosely_is_that_choice(helpline: Town) -> None:
    """“jsais pas” is “Je sais pas” less its blanks; nobody has to type an apostrophe."""
    person = helpline.person()
    person.says("/ask_platform_report")
    person.says("[TikTok]")

    assert "utter_reported_no" in person.says("jy arrive pas").keys


@pytest.mark.engine
def test_what_was_said_is_not_asked(helpline: Town) -> None:
    """Who wrote “snap” gets the steps for Snapchat and is not asked which app it was."""
    person = helpline.person()
    person.says("ils ont fait un groupe snap pour se foutre de moi")
    for choice in ("[Oui]", "[Longtemps]", "[Pas bien]"):
        person.says(choice)
    keys = person.says("[Oui, on regarde]").keys

    assert ["utter_keep_proof", "utter_platform_steps", "utter_ask_reported"] == keys
