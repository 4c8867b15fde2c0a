from __future__ import annotations

import re
import shutil
from collections import defaultdict
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from bot.config import ROOT
from bot.domain.calendars import holiday_calendar
from bot.domain.directory import THEMES
from bot.domain.schedules import Day, Hours
from bot.domain.services import ChannelKind
from bot.store.directory import (
    DirectoryError,
    load_directory,
    load_negative_facts,
    read_yaml,
)

FOLDER = ROOT / "directory"
REAL = load_directory(FOLDER)
NEGATIVE = load_negative_facts(FOLDER)
FILES = {"BE": "be.yml", "CA": "ca.yml", "CH": "ch.yml", "FR": "fr.yml", "LU": "lu.yml", "MA": "ma.yml"}
COLLECTED = date(2026, 11, 20)
SAID = {
    (service.id, language): " · ".join((service.name[language], service.note[language], service.about[language]))
    for service in REAL.services.values()
    for language in ("fr", "en", "ar")
}
DIALLED = (ChannelKind.PHONE, ChannelKind.SMS, ChannelKind.WHATSAPP)


def why_not(words: str) -> list[str]:
    """The reasons for which these words may not be said."""
    return [fact.why for fact in NEGATIVE if fact.found_in(words)]


def numbers(id_: str) -> list[str]:
    return [channel.value for channel in REAL.services[id_].channels if channel.kind in DIALLED]


def services_with(digits: str) -> list[str]:
    """The services that are reached by a number, in whatever grouping."""
    return [id_ for id_ in REAL.services if digits in [re.sub(r"\D", "", value) for value in numbers(id_)]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the directory to spoil."""
    return Path(shutil.copytree(FOLDER, tmp_path / "directory"))


def spoil(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / name
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


# The data


def test_every_country_of_the_helpline_has_a_file() -> None:
    """France, Morocco, Belgium, Switzerland, Luxembourg and Quebec are covered, in the zone of the country."""
    zones = {code: read_yaml(FOLDER / name)["time_zone"] for code, name in FILES.items()}

    assert set(FILES) == set(REAL.countries)
    assert {"America/Toronto", "Africa/Casablanca"} < set(zones.values())


def test_every_number_stands_under_exactly_one_service() -> None:
    """In one country a number leads to one service, and the same digits abroad are declared as shared."""
    owners = defaultdict(set)
    for service in REAL.services.values():
        for value in numbers(service.id):
            owners[re.sub(r"\D", "", value)].add(service.id)
    for owned in owners.values():
        countries = [REAL.services[id_].country for id_ in owned]

        assert len(countries) == len(set(countries))
        assert len(countries) == 1 or all(REAL.services[id_].is_shared for id_ in owned)


def test_everything_is_dated_and_sourced() -> None:
    """Every service and channel says where it comes from and when it was collected, not half a year ago."""
    for service in REAL.services.values():
        dates = [service.verified_on, *(channel.verified_on for channel in service.channels)]

        assert all(COLLECTED <= date.fromisoformat(day) <= COLLECTED + timedelta(days=180) for day in dates)
        assert service.source
        assert all(channel.source for channel in service.channels)


def test_everything_is_said_in_three_languages() -> None:
    """Every service has a name, a note and a description in French, English and Arabic."""
    assert [] == [place for place, words in SAID.items() if not all(part.strip() for part in words.split(" · "))]


def test_arabic_waits_for_a_native_reader() -> None:
    """The Arabic of every file is marked as not yet read by a native, so that it can be counted."""
    assert {True} == {read_yaml(FOLDER / name)["needs_native_review"] for name in FILES.values()}


def test_notes_are_short_and_descriptions_are_a_few_sentences() -> None:
    """A note fits beside a name on a phone, a description is read in a breath."""
    notes = [service.note[language] for service in REAL.services.values() for language in ("fr", "en", "ar")]
    abouts = [service.about[language] for service in REAL.services.values() for language in ("fr", "en", "ar")]

    assert max(map(len, notes)) <= 95
    assert max(map(len, abouts)) <= 230


def test_french_speaks_to_the_person() -> None:
    """Descriptions say tu, in wording that needs no gender."""
    french = " ".join(words for (_, language), words in SAID.items() if language == "fr")

    assert not re.search(r"\b(?:vous|votre|vos)\b|\(e\)|·e\b|tu dois|il faut", french)


def test_nothing_is_promised() -> None:
    """No service is described as always there, guaranteed or sure to help (R7)."""
    words = " ".join(SAID.values())

    assert not re.search(r"promet|garanti|toujours|jamais|guarantee|promise|always|never", words)


def test_emergency_numbers_are_known_by_role() -> None:
    """Each country's numbers for medical help, police and everything else are verified ones."""
    known = {
        code: (country.emergency.medical, country.emergency.police, country.emergency.general)
        for code, country in REAL.countries.items()
    }
    expected = {
        "BE": ("112", "101", "112"),
        "CA": ("911", "911", "911"),
        "CH": ("144", "117", "112"),
        "FR": ("15", "17", "112"),
        "LU": ("112", "113", "112"),
        "MA": ("15", "19", "19"),
    }

    assert expected == known


def test_the_silent_number_and_the_suicide_lines_are_those_that_exist() -> None:
    """114 is the one number to write to; where there is no suicide line around the clock an emergency number is said."""
    silent = {code: country.emergency.silent for code, country in REAL.countries.items() if country.emergency.silent}
    lines = {code: country.emergency.suicide_line for code, country in REAL.countries.items()}

    assert {"FR": "114"} == silent
    assert {"FR": "3114", "BE": "0800 32 123", "CH": "147", "CA": "988", "LU": "112", "MA": "15"} == lines


def test_each_theme_is_known() -> None:
    """A country file fills the themes that conversations use, and only those."""
    assert {frozenset(THEMES)} == {frozenset(country.themes) for country in REAL.countries.values()}


def test_the_german_hours_of_116111_are_not_taken_for_luxembourg() -> None:
    """116 111 answers other hours in Germany; Luxembourg's are not verified and so are unknown."""
    channel = REAL.services["lu-kjt"].channels[0]

    assert channel.status(datetime(2026, 11, 23, 15, tzinfo=ZoneInfo("Europe/Luxembourg"))).hours is Hours.UNKNOWN
    assert "Mo-Sa 14:00-20:00" != channel.schedule.expression


def test_nightline_is_a_normal_call_in_every_city() -> None:
    """Nightline's numbers are ordinary ones, and its note says what a call costs."""
    lines = [id_ for id_ in REAL.services if id_.startswith("fr-nightline-")]

    assert 6 == len(lines)
    assert all("prix d'un appel normal" in REAL.services[id_].note["fr"] for id_ in lines)


# What is wrong in other public bots (facts, 1.8), one by one


def test_the_line_against_rape_is_not_sos_amitie() -> None:
    """0 800 05 95 95 is Viols Femmes Informations, neither SOS Amitié nor Signal-Sports."""
    assert ["fr-cfcv"] == services_with("0800059595")
    assert why_not("SOS Amitié : 0 800 05 95 95")
    assert why_not("Signal-Sports au 0800059595")
    assert not why_not("Viols Femmes Informations\n0 800 05 95 95")


def test_suicide_ecoute_is_not_cnae() -> None:
    """01 45 39 40 00 is Suicide Écoute, not the line for students."""
    assert ["fr-suicide-ecoute"] == services_with("0145394000")
    assert why_not("Cnaé, 01 45 39 40 00")
    assert not why_not("Suicide Écoute\n01 45 39 40 00")


def test_fil_sante_jeunes_has_one_number() -> None:
    """0 800 130 000 is not Fil Santé Jeunes, 0 800 235 236 is."""
    assert ["fr-fsj"] == services_with("0800235236")
    assert [] == services_with("0800130000")
    assert why_not("Fil Santé Jeunes 0 800 130 000")


@pytest.mark.parametrize(
    "words",
    [
        "3018, 24h/24",
        "Le 3018 répond jour et nuit",
        "3018 (24/7)",
        "Jour et nuit : 3018",
        "3018 is open around the clock",
        "3018 ليلا ونهارا",
    ],
)
def test_3018_is_not_around_the_clock(words: str) -> None:
    """3018 sleeps from 23:00 to 9:00, and nobody is told otherwise."""
    assert why_not(words)
    assert not any(channel.schedule.expression == "24/7" for channel in REAL.services["fr-3018"].channels)


@pytest.mark.parametrize(
    "words", ["Le 3018 ferme à 23 h ; la nuit, le 3114 répond jour et nuit.", "3018\n3114 jour et nuit"]
)
def test_another_line_may_be_around_the_clock_beside_3018(words: str) -> None:
    """To say that 3114 answers at night is right, beside 3018 as elsewhere."""
    assert not why_not(words)


def test_the_fire_brigade_is_not_118() -> None:
    """118 is directory enquiries; the fire brigade is 18."""
    assert (["fr-18"], []) == (services_with("18"), services_with("118"))
    assert why_not("pompiers (118)")
    assert not why_not("pompiers (18)")


@pytest.mark.parametrize("words", ["Appelle le 3020", "3018 ou 3020", "Call 3020, it is free", "اتصل ب 3020"])
def test_3020_is_no_longer_listed(words: str) -> None:
    """3020 is shown nowhere."""
    assert [] == services_with("3020")
    assert why_not(words)


@pytest.mark.parametrize("words", ["Le 3020 est devenu le 3018.", "3020 has become 3018.", "الرقم 3020 أصبح 3018"])
def test_what_became_of_3020_may_be_said(words: str) -> None:
    """Somebody who asks about 3020 is told that it has become 3018."""
    assert not why_not(words)


@pytest.mark.parametrize(
    "words",
    [
        "Santé Psy Étudiant : 8 séances",
        "Santé Psy Étudiant, huit séances gratuites",
        "12 séances avec Santé Psy Étudiant, 8 sessions",
    ],
)
def test_nobody_counts_the_sessions_for_students(words: str) -> None:
    """How many sessions students get is not confirmed, so it is several."""
    assert why_not(words)
    assert "Plusieurs séances" in REAL.services["fr-sante-psy-etudiant"].about["fr"]
    assert not why_not("Mon soutien psy : jusqu'à 12 séances par an, à 50 €")


@pytest.mark.parametrize(
    "words", ["Sourire de Reda", "le chat Stop Silence", "https://stopsilence.org", "www.sourire2reda.org"]
)
def test_the_closed_line_of_morocco_is_not_listed(words: str) -> None:
    """Sourire de Reda closed in February 2025: to send somebody there would leave them alone."""
    assert why_not(words)


@pytest.mark.parametrize("words", ["MESSAGE BLOQUÉ", "Message bloqué", "Your message was blocked"])
def test_nobody_is_told_that_their_message_is_blocked(words: str) -> None:
    """The message of somebody who wants to die is never refused."""
    assert why_not(words)


def test_3114_and_suicide_ecoute_are_two_services() -> None:
    """3114 is the national line, Suicide Écoute an association: one is not the name of the other."""
    assert (["fr-3114"], ["fr-suicide-ecoute"]) == (services_with("3114"), services_with("0145394000"))
    assert why_not("3114 (Suicide Écoute)")
    assert not why_not("3114\nSuicide Écoute")


@pytest.mark.parametrize("words", ["tel:114", "Appelle le 114", "appelez 114", "Call 114", "اتصل ب 114"])
def test_114_is_never_a_call(words: str) -> None:
    """114 is reached by text and app, and no text tells anybody to call it."""
    channels = REAL.services["fr-114"].channels

    assert why_not(words)
    assert ChannelKind.PHONE not in {channel.kind for channel in channels}
    assert not why_not("Appelle le 15. Si tu ne peux pas parler : SMS au 114")


@pytest.mark.parametrize("words", ["Net Écoute", "net ecoute", "0800 200 000", "0800 200 200", "+33 800 200 000"])
def test_net_ecoute_is_gone(words: str) -> None:
    """Net Écoute became 3018 in 2021, and its number is shown nowhere."""
    assert why_not(words)


# Other facts that are over


@pytest.mark.parametrize(
    "words",
    [
        "Le 3018 est joignable sur WhatsApp",
        "écris sur le chat du 3114",
        "text 3114",
        "3114, gratuit et anonyme",
        "Le 119 est entièrement anonyme",
        "Le 3018 fait retirer les images en moins d'une heure",
        "Appelle le 17Cyber",
        "Nightline, numéro vert",
        "Nightline, de 21h30 à 2h30",
        "Mon soutien psy : 8 séances à 30 €",
        "3018, du lundi au samedi",
        "Jeunes Violences Écoute, 0 800 20 22 23",
        "Texte PARLER au 686868",
        "Cap Écoute",
        "0 811 91 20 20",
        "0 8000 8888",
    ],
)
def test_what_is_over_is_not_said(words: str) -> None:
    """Old hours, unconfirmed channels and prices that have changed are caught in any text."""
    assert why_not(words)


@pytest.mark.parametrize(
    "words",
    [
        "3114, gratuit et confidentiel",
        "Le 119 est confidentiel, mais il peut alerter pour te protéger",
        "Le 3018 demande le retrait, souvent en quelques heures",
        "Bloque-le sur WhatsApp, puis parles-en au 3018",
        "Nightline, de 21 h à 2 h 30, au prix d'un appel normal",
        "Huit jours plus tard, je serai là.",
    ],
)
def test_what_is_true_may_be_said(words: str) -> None:
    """The list of what is over does not forbid what is true."""
    assert [] == why_not(words)


def test_nothing_the_directory_says_is_over() -> None:
    """Neither a name, a note nor a description of the directory says something that is wrong or over."""
    assert {} == {place: why_not(words) for place, words in SAID.items() if why_not(words)}


# The files


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("fr.yml", 'hours: "Mo-Su 09:00-22:00"', 'hours: "9h-22h"', "fr-fsj: hours do not parse"),
        ("fr.yml", 'hours: "Mo-Su 09:00-22:00"', 'hours: "Mo-Su 09:00-22:00; PH off"', "holidays: open"),
        ("fr.yml", 'value: "3114"', "value: 3114", "expected text in quotes"),
        ("fr.yml", "holidays: unknown", "holiday: unknown", "'holiday' is not known here"),
        ("fr.yml", "confidence: A", "confidence: D", "confidence: expected A, B, C or X"),
        ("fr.yml", "verified_on: 2026-11-20", "verified_on: soon", "verified_on: expected a date"),
        ("fr.yml", "  sleep: [[fr-fsj", "  sleep: [[fr-nobody", "theme sleep: no service fr-nobody"),
        ("fr.yml", "id: fr-17cyber", "id: fr-3018", "fr-3018 stands twice"),
        ("fr.yml", "id: stopncii", "id: ma-15", "ma-15 stands in another file too"),
        ("fr.yml", "silent: fr-114", "silent: fr-3114", "fr-3114 has no sms channel"),
        ("fr.yml", "silent: fr-114", "quiet: fr-114", "quiet is not one of"),
        ("fr.yml", "time_zone: Europe/Paris", "time_zone: Europe/Pari", "Europe/Pari"),
        ("fr.yml", "country: FR", "country: ZZ", "no calendar of public holidays for ZZ"),
        ("be.yml", "country: BE", "country: FR", "the country FR has another file too"),
        ("fr.yml", "kind: sms", "kind: carrier pigeon", "carrier pigeon"),
        ("fr.yml", 'ar: "الشرطة"', 'es: "policía"', "expected a text for each of fr, en, ar"),
        ("fr.yml", "services:", "services: {", "fr.yml"),
    ],
)
def test_a_mistake_in_a_file_stops_the_start_and_is_named(
    folder: Path, name: str, old: str, new: str, message: str
) -> None:
    """Whoever edits the directory by hand is told the file, the service and what was expected."""
    spoil(folder, name, old, new)

    with pytest.raises(DirectoryError, match=re.escape(message)) as error:
        load_directory(folder)
    assert 1 == len(str(error.value).splitlines())


@pytest.mark.parametrize("name", ["team.yml", "fr.yml"])
def test_a_missing_file_stops_the_start(folder: Path, name: str) -> None:
    """Without the home country or the team's hours nothing is promised, because nothing starts."""
    (folder / name).unlink()

    with pytest.raises(DirectoryError):
        load_directory(folder)


def test_the_home_country_must_have_an_emergency_number(folder: Path) -> None:
    """The country whose offer serves everybody else cannot itself be without a verified emergency number."""
    text = (folder / "fr.yml").read_text("utf-8")
    head, tail = text.split("- id: fr-112\n", 1)
    (folder / "fr.yml").write_text(head + "- id: fr-112\n" + tail.replace("confidence: A", "confidence: C", 1), "utf-8")

    with pytest.raises(DirectoryError, match="no file for the country FR, with an emergency number tagged A or B"):
        load_directory(folder)


def test_a_country_without_a_verified_emergency_number_is_set_aside(folder: Path) -> None:
    """Were Switzerland's 112 unverified, people there would get the home country's offer, and the operator a warning."""
    text = (folder / "ch.yml").read_text("utf-8")
    (folder / "ch.yml").write_text(text.replace("confidence: A", "confidence: C"), "utf-8")
    directory = load_directory(folder)

    assert (["CH"], "FR") == (list(directory.unserved), directory.country("CH").code)


def test_an_unverified_ambulance_number_is_replaced_by_the_general_one(folder: Path) -> None:
    """Where the ambulance's own number is unverified, the general emergency number is said in its place."""
    text = (folder / "ch.yml").read_text("utf-8")
    (folder / "ch.yml").write_text(text.replace("confidence: A", "confidence: C", 1), "utf-8")

    assert "112" == load_directory(folder).emergency("CH").medical


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("never: [{text: a}]", "expected why"),
        ("never: [{text: a, number: '1', why: b}]", "expected why and one of"),
        ("never: [{pattern: '(', why: b}]", "is not a pattern"),
        ("never: [{number: 3020, why: b}]", "expected text in quotes"),
        ("something: else", "'never' is missing"),
    ],
)
def test_a_mistake_among_the_negative_facts_is_named(folder: Path, content: str, message: str) -> None:
    """A negative fact that cannot be searched for would protect nobody, so it is refused."""
    (folder / "negative.yml").write_text(content, "utf-8")

    with pytest.raises(DirectoryError, match=re.escape(message)):
        load_negative_facts(folder)


def test_the_key_for_native_review_changes_nothing(folder: Path) -> None:
    """The mark that Arabic waits for a reader is for counting, and a file without it reads the same."""
    spoil(folder, "ma.yml", "needs_native_review: true", "needs_native_review: false")

    assert set(REAL.services) == set(load_directory(folder).services)


def test_moving_holidays_of_morocco_are_estimates() -> None:
    """Aïd el-Fitr is an estimate and its neighbours may be it; New Year's Day is certain; the day after is ordinary."""
    calendar = holiday_calendar("MA")
    days = (date(2027, 3, 9), date(2027, 3, 11), date(2027, 1, 1), date(2027, 1, 2))

    assert [Day.PERHAPS, Day.PERHAPS, Day.HOLIDAY, Day.ORDINARY] == [calendar(day) for day in days]


def test_files_are_yaml_without_surprises() -> None:
    """No key stands twice in one place, where the second would silently replace the first."""

    def check(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[object, object]:
        keys = [loader.construct_object(key) for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"{keys} at line {node.start_mark.line + 1}"
        return loader.construct_mapping(node, deep=True)

    class Strict(yaml.SafeLoader):
        pass

    read: Callable[..., object] = yaml.load
    Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, check)
    for path in sorted(FOLDER.glob("*.yml")):
        assert read(path.read_text("utf-8"), Loader=Strict)
