from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.config import ROOT
from bot.domain.calendars import holiday_calendar
from bot.domain.directory import Country, Directory
from bot.domain.directory_lint import Finding, Level, Text, lint
from bot.domain.negative_facts import NegativeFact, negative_number, negative_pattern, negative_text, plain
from bot.domain.schedules import Hours, Schedule
from bot.domain.services import ChannelKind, Service, ServiceChannel
from bot.store.directory import load_directory, load_negative_facts

REAL = load_directory(ROOT / "directory")
NEGATIVE = load_negative_facts(ROOT / "directory")
TODAY = date(2026, 11, 21)
LINE = REAL.services["fr-3114"]


def errors(directory: Directory = REAL, *texts: str, today: date = TODAY) -> list[str]:
    findings = lint(directory, NEGATIVE, [Text("responses/x.yml utter_x", words) for words in texts], today)
    return [finding.what for finding in findings if finding.level is Level.ERROR]


def with_service(service: Service) -> Directory:
    """The real directory with one service added or put in another's place."""
    return Directory({**REAL.services, service.id: service}, REAL.countries, REAL.team, "FR")


def with_country(country: Country) -> Directory:
    return Directory(REAL.services, {**REAL.countries, country.code: country}, REAL.team, "FR")


def with_channel(service: Service, **changes: object) -> Directory:
    """The real directory with the first channel of a service changed."""
    first: ServiceChannel = replace(service.channels[0], **changes)  # type: ignore[arg-type]
    return with_service(replace(service, channels=(first, *service.channels[1:])))


def test_the_real_directory_has_no_errors() -> None:
    """The directory we ship passes its own check on the day it was collected."""
    assert [] == errors()


def test_a_number_under_two_services_is_an_error() -> None:
    """One number leads to one service: somebody in danger must not reach another one than the one named."""
    twin = replace(LINE, id="fr-twin", channels=LINE.channels[:1])

    assert ["3114 is also the number of fr-twin"] == errors(with_service(twin))


def test_a_number_written_two_ways_is_one_number() -> None:
    """A number in its international form is the same as in its national one."""
    channel = replace(LINE.channels[0], value="+33 9 72 39 40 50")
    twin = replace(LINE, id="fr-twin", channels=(channel,))

    assert ["0972394050 is also the number of fr-twin"] == errors(with_service(twin))


def test_a_number_of_two_countries_must_be_declared_shared() -> None:
    """The same digits in two countries are an error unless somebody has said that both are meant."""
    abroad = replace(LINE, id="be-twin", country="BE", channels=LINE.channels[:1])

    assert ["3114 is also the number of be-twin, and is not declared `shared`"] == errors(with_service(abroad))
    assert "shared" not in " ".join(errors())


def test_a_text_only_service_is_never_a_call() -> None:
    """114 cannot be reached by voice: offering it as a call would cost minutes."""
    found = errors(with_channel(REAL.services["fr-114"], kind=ChannelKind.PHONE))

    assert "is offered as a call, but the service is reached by text only" in found


def test_a_number_nobody_called_for_half_a_year_is_stale() -> None:
    """180 days after it was checked a number is still good, a day later it must be called again."""
    checked = max(date.fromisoformat(service.verified_on) for service in REAL.services.values())
    oldest = min(date.fromisoformat(service.verified_on) for service in REAL.services.values())

    assert [] == errors(today=max(oldest + timedelta(days=180), checked))
    assert "verified_on 2026-11-20 is 181 days old: call, correct, and set the date" in errors(
        today=oldest + timedelta(days=181)
    )


def test_a_check_cannot_lie_in_the_future() -> None:
    """A date of checking that has not come yet is a mistake of whoever wrote it."""
    assert "verified_on 2027-01-01 lies in the future" in errors(with_service(replace(LINE, verified_on="2027-01-01")))


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (ChannelKind.PHONE, "tel:3114", "a number"),
        (ChannelKind.PHONE, "appelle-nous", "a number"),
        (ChannelKind.PHONE, "1", "a number"),
        (ChannelKind.WEB, "http://3114.fr", "an https address"),
        (ChannelKind.CHAT, "3114.fr", "an https address"),
        (ChannelKind.EMAIL, "nobody", "an e-mail address"),
    ],
)
def test_a_value_must_look_like_what_it_is(kind: ChannelKind, value: str, expected: str) -> None:
    """What is shown alone on its line is a number to dial or an address to open, and nothing else."""
    assert f"does not look like {expected}" in errors(with_channel(LINE, kind=kind, value=value))


def test_a_missing_language_is_an_error() -> None:
    """A service without words in Arabic is not ready for people who read Arabic."""
    assert ["note: no words in ar"] == errors(with_service(replace(LINE, note={"fr": "a", "en": "b", "ar": " "})))


def test_what_is_tagged_x_does_not_belong_among_the_services() -> None:
    """A closed service stands in negative.yml, where it is looked for, and not in the directory."""
    assert any("tagged X" in what for what in errors(with_service(replace(LINE, confidence="X"))))


def test_what_waits_for_verification_is_a_warning() -> None:
    """Services tagged C are listed for the operator to call, country by country."""
    warnings = [finding for finding in lint(REAL, NEGATIVE, (), TODAY) if finding.level is Level.WARNING]
    what = "tagged C, not shown until somebody has called: fr-mda, fr-abie, fr-contact"

    assert Finding(Level.WARNING, "FR", what) in warnings


def test_around_the_clock_must_include_holidays() -> None:
    """A line said to answer at all hours answers on 1 May, or its hours are not known."""
    schedule = Schedule("24/7", ZoneInfo("Europe/Paris"), Hours.UNKNOWN, holiday_calendar("FR"))

    assert any("24/7 means holidays too" in what for what in errors(with_channel(LINE, schedule=schedule)))


def test_an_app_does_not_outlast_the_lines_behind_it() -> None:
    """An app that opens at night must not make a service look open at night."""
    line = REAL.services["fr-3018"]
    app = replace(line.channels[2], schedule=LINE.channels[0].schedule)
    found = errors(with_service(replace(line, channels=(*line.channels[:2], app))))

    assert any("while nobody answers" in what for what in found)


def test_a_mailbox_has_no_hours() -> None:
    """A mailbox is never open: nobody is there to answer."""
    found = errors(with_channel(LINE, kind=ChannelKind.EMAIL, value="a@example.org"))

    assert "a mailbox has no hours: nobody is there to answer" in found


def test_a_missing_theme_is_an_error() -> None:
    """Every country has something for every theme a conversation may reach."""
    country = REAL.countries["LU"]
    themes = {theme: ids for theme, ids in country.themes.items() if theme != "eating"}

    assert ["is missing"] == errors(with_country(replace(country, themes=themes)))


def test_a_misspelt_theme_is_an_error() -> None:
    """A theme that no conversation knows would never be reached."""
    country = REAL.countries["LU"]

    assert ["is not a theme"] == errors(
        with_country(replace(country, themes={**country.themes, "sucide": ("lu-kjt",)}))
    )


def test_a_theme_that_ends_without_a_line_around_the_clock_is_an_error() -> None:
    """Nobody at risk may be left at night without a line that answers."""
    country = REAL.countries["LU"]
    found = errors(with_country(replace(country, themes={**country.themes, "emergency": ("lu-kjt",)})))

    assert any(what.startswith("ends without a line around the clock") for what in found)


def test_an_emergency_number_that_stands_in_is_a_warning() -> None:
    """Where a country has no listening line at night, the operator is told that the emergency number stands in."""
    warnings = [finding.what for finding in lint(REAL, NEGATIVE, (), TODAY) if finding.place == "LU"]

    assert any("an emergency number stands in at night" in what for what in warnings)


def test_police_in_a_theme_where_it_would_harm_is_an_error() -> None:
    """In Morocco police and justice must not stand in the themes that speak of love or of sexual violence."""
    country = REAL.countries["MA"]
    themes = {**country.themes, "identity": ("ma-sos-amitie", "ma-e-blagh")}

    assert ["ma-e-blagh is police or justice, which is never offered unasked here"] == errors(
        with_country(replace(country, themes=themes))
    )


def test_an_unverified_emergency_number_is_a_warning() -> None:
    """A country whose ambulance number is tagged C is served with the general number, and the operator is told."""
    found = lint(with_service(replace(REAL.services["ch-144"], confidence="C")), NEGATIVE, (), TODAY)

    assert any("medical: ch-144 is tagged C" in finding.what for finding in found)


def test_a_country_without_any_verified_emergency_number_is_reported() -> None:
    """A country that cannot be served is named, with what is missing."""
    numbers = replace(REAL.countries["CH"].emergency, general="")
    found = lint(with_country(replace(REAL.countries["CH"], emergency=numbers)), NEGATIVE, (), TODAY)

    assert any("needs verification before this country is served" in finding.what for finding in found)


# Words


@pytest.mark.parametrize(
    "words",
    [
        "Tu peux appeler le 0 800 235 236.",
        "Call +33 9 72 39 40 50 now",
        "Appelle le 3114, jour et nuit.",
        "Appelle le 15 maintenant.",
        "Envoie un SMS au 114",
        "Call 119.",
        "اتصل ب 3114",
        "اتصل على ٣١١٤",
        "Le numéro est le 01.45.39.40.00",
    ],
)
def test_numbers_do_not_stand_in_texts(words: str) -> None:
    """A text names a service; how it is reached comes from the directory, where it is checked and dated."""
    assert 1 <= len(errors(REAL, words))


@pytest.mark.parametrize(
    "words",
    [
        "Le 3018, c'est un numéro contre le harcèlement.",
        "Tu as 15 ans ?",
        "Appelle 15 minutes plus tard.",
        "En 2026, 12 séances à 50 €.",
        "Entre 2024-2025 et le 2026-11-20",
        "Compte : 5, 4, 3, 2, 1",
        "{medical} ou {general}, et par SMS au {silent}",
        "Le 3020 est devenu le 3018.",
        "3020 has become 3018.",
    ],
)
def test_ordinary_numbers_may_stand_in_texts(words: str) -> None:
    """Ages, years, prices and the name of a service are not numbers to call."""
    assert [] == errors(REAL, words)


def test_a_finding_names_its_place() -> None:
    """Whoever reads a finding knows which file and which key to open."""
    found = lint(REAL, NEGATIVE, [Text("distress.yml utter_hello", "Appelle Net Ecoute")], TODAY)

    assert "distress.yml utter_hello" == found[0].place


@pytest.mark.parametrize(
    ("fact", "words"),
    [
        (negative_text("Net Écoute", ""), "NET\u00a0ECOUTE"),
        (negative_text("Net Écoute", ""), "net e\u0301coute"),
        (negative_number("0800 200 000", ""), "0 800 20 00 00"),
        (negative_number("0800 200 000", ""), "0800.200.000"),
        (negative_number("0800 200 000", ""), "+33 800 200 000"),
        (negative_number("0800 200 000", ""), "\u20660\u202f800\u202f200\u202f000\u2069"),
        (negative_number("0800 200 000", ""), "٠٨٠٠٢٠٠٠٠٠"),
        (negative_number("118", ""), "pompiers (118)"),
        (negative_pattern("écoute[^\n]*nuit", ""), "Écoute la nuit"),
    ],
)
def test_a_negative_fact_is_found_however_it_is_written(fact: NegativeFact, words: str) -> None:
    """Accents, case, blanks, marks of direction, Arabic digits and the grouping of digits hide nothing."""
    assert fact.found_in(words)


@pytest.mark.parametrize("words", ["1180", "2118", "0 118 00", "118 218 000", "01 18 11 80 00"])
def test_a_short_number_is_not_found_inside_a_longer_one(words: str) -> None:
    """A number that happens to contain the digits of a wrong one is not wrong."""
    assert not negative_number("118", "").found_in(words)


def test_plain_words_keep_their_lines() -> None:
    """Texts are compared line by line, so that two services on two lines are not mixed up."""
    assert "a b\nc" == plain("à\u00a0 b\nç")
