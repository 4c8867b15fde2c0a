from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot import i18n
from bot.config import ROOT
from bot.domain.calendars import holiday_calendar
from bot.domain.directory import MAX_OFFERS, THEMES, Country, Directory, EmergencyNumbers, Referral
from bot.domain.risk import RiskLevel
from bot.domain.schedules import Hours, Schedule
from bot.domain.services import AGE_BANDS, ChannelKind, Service, ServiceChannel
from bot.store.directory import load_directory

REAL = load_directory(ROOT / "directory")
COUNTRIES = ("BE", "CA", "CH", "FR", "LU", "MA")
LANGUAGES = ("fr", "en", "ar", "ary", None)
FIRST = datetime(2026, 9, 1, tzinfo=UTC)
PARIS = ZoneInfo("Europe/Paris")
AFTERNOON = datetime(2026, 11, 24, 15, 30, tzinfo=PARIS)
NIGHT = datetime(2026, 11, 24, 3, 0, tzinfo=PARIS)
HARD_TIMES = ("2026-11-24T03:00", "2026-11-22T11:00", "2027-05-01T14:00", "2026-12-31T23:30", "2027-01-01T00:30")

moments = st.integers(0, 3 * 366 * 24 * 60).map(lambda minute: FIRST + timedelta(minutes=minute))
bands = st.sampled_from([None, *AGE_BANDS])


def at(country: str, text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=i18n.time_zone(country))


def ids(referral: Referral) -> list[str]:
    return [offer.service.id for offer in referral.offers]


def channel(
    value: str = "1",
    hours: str = "24/7",
    kind: ChannelKind = ChannelKind.PHONE,
    confidence: str = "A",
    language: str = "",
    hours_confidence: str = "A",
) -> ServiceChannel:
    schedule = Schedule(hours, PARIS, Hours.OPEN, holiday_calendar("FR"))
    return ServiceChannel(kind, value, schedule, confidence, hours_confidence, "2026-11-20", "a test", language)


def service(
    id_: str,
    *channels: ServiceChannel,
    ages: tuple[int, int] = (0, 120),
    languages: tuple[str, ...] = ("fr",),
    confidence: str = "A",
    is_authority: bool = False,
) -> Service:
    words = {"fr": id_, "en": id_, "ar": id_}
    return Service(
        id_,
        "FR",
        words,
        id_,
        words,
        words,
        channels or (channel(),),
        *ages,
        ("anyone",),
        languages,
        confidence,
        "a test",
        "2026-11-20",
        is_authority=is_authority,
    )


def directory(
    *services: Service,
    fitting: int = 1,
    emergency: tuple[Service, ...] = (),
    general: str = "112",
    never: frozenset[str] = frozenset(),
) -> Directory:
    """A country whose theme `distress` is the services in order."""
    numbers = EmergencyNumbers("15", "17", general, "", "")
    emergency = emergency or (service("sos"),)
    themes = {"distress": tuple(item.id for item in services), "emergency": tuple(item.id for item in emergency)}
    home = Country("FR", EmergencyNumbers("15", "17", "112", "", ""), themes, {"distress": fitting}, {}, never)
    countries: Mapping[str, Country] = {"FR": home, "XX": Country("XX", numbers, themes)}
    team = Schedule("", PARIS, Hours.UNKNOWN, holiday_calendar("FR"))
    return Directory({item.id: item for item in (*services, *emergency)}, countries, team, "FR")


# Every theme in every country


@pytest.mark.parametrize("moment", HARD_TIMES)
@pytest.mark.parametrize("country", COUNTRIES)
def test_at_the_hardest_times_every_theme_has_something_true_to_offer(country: str, moment: str) -> None:
    """At 3:00, on a Sunday, on 1 May and at New Year: at most three lines, none closed, one day and night if at risk."""
    for theme, risk, band, language in product(THEMES, RiskLevel, (None, *AGE_BANDS), LANGUAGES):
        referral = REAL.match(theme, country, at(country, moment), risk=risk, age_band=band, language=language)

        assert len(set(ids(referral))) == len(referral.offers) <= MAX_OFFERS
        assert Hours.CLOSED not in {offer.status.hours for offer in referral.offers}
        assert risk is RiskLevel.NONE or any(offer.is_line_around_the_clock for offer in referral.offers)


@given(st.sampled_from(THEMES), st.sampled_from(COUNTRIES), moments, st.sampled_from(RiskLevel), bands)
@settings(max_examples=1_500, deadline=None)
@example("students", "FR", datetime(2027, 3, 28, 0, 59, tzinfo=UTC), RiskLevel.HIGH, "18_25")
@example("students", "FR", datetime(2027, 10, 31, 1, 15, tzinfo=UTC), RiskLevel.HIGH, "18_25")
def test_at_any_moment_of_three_years_an_offer_is_what_it_says(
    theme: str, country: str, moment: datetime, risk: RiskLevel, band: str | None
) -> None:
    """At any moment of three years an offer is verified, not closed, of the country, for the age, and open if it says so."""
    referral = REAL.match(theme, country, moment, risk=risk, age_band=band)

    for offer in referral.offers:
        assert (country, True) == (offer.service.country, offer.service.may_be_shown and offer.channel.may_be_shown)
        assert offer.status == offer.channel.status(moment)
        assert offer.status.hours is not Hours.CLOSED
        assert theme in ("worried", "parents", "emergency") or offer.service.fits_age(band)
    assert not referral.fitting_is_open or referral.fitting in referral.offers or len(referral.offers) == MAX_OFFERS


@pytest.mark.parametrize("country", COUNTRIES)
def test_every_country_has_every_theme(country: str) -> None:
    """Whatever the conversation is about, the country has an answer of its own."""
    assert set(THEMES) == set(REAL.countries[country].themes)


def test_every_country_we_list_is_served() -> None:
    """Each country has an emergency number that may be shown, so none falls back to another country's."""
    assert COUNTRIES == tuple(sorted(REAL.countries))
    assert not REAL.unserved


# France


def test_3018_is_open_until_23_and_not_a_minute_longer() -> None:
    """3018 is open at 22:59 and closed at 23:00, on its phone, its chat and its app."""
    line = REAL.services["fr-3018"]
    last = {item.status(at("FR", "2026-11-24T22:59")).hours for item in line.channels}
    after = {item.status(at("FR", "2026-11-24T23:00")).hours for item in line.channels}

    assert ({Hours.OPEN}, {Hours.CLOSED}) == (last, after)


def test_3018_is_open_on_the_first_of_may() -> None:
    """3018 answers on holidays too."""
    offer = REAL.offer(REAL.services["fr-3018"], at("FR", "2027-05-01T12:00"))

    assert offer is not None
    assert (Hours.OPEN, at("FR", "2027-05-01T23:00"), True) == (
        offer.status.hours,
        offer.status.until,
        offer.is_certain,
    )


def test_nightline_is_open_at_half_past_one_with_care() -> None:
    """At 1:30 Nightline is open until 2:30, in usual hours: there are closures nobody has listed."""
    offer = REAL.offer(REAL.services["fr-nightline"], at("FR", "2026-11-24T01:30"))

    assert offer is not None
    assert at("FR", "2026-11-24T02:30") == offer.status.until
    assert not offer.is_certain


def test_nightline_is_not_promised_on_new_years_night() -> None:
    """After midnight on New Year's Eve nobody is told that Nightline is open."""
    assert REAL.services["fr-nightline"].channels[0].status(at("FR", "2027-01-01T00:30")).hours is Hours.UNKNOWN


def test_nightline_of_paris_answers_in_the_language_asked() -> None:
    """A student who writes in English gets Nightline's English number, in French the French one."""
    paris, moment = REAL.services["fr-nightline-paris"], at("FR", "2026-11-24T22:00")
    english, french = REAL.offer(paris, moment, "en"), REAL.offer(paris, moment, "fr")

    assert english is not None
    assert french is not None
    assert ("01 88 32 12 33", "01 88 32 12 32") == (english.channel.value, french.channel.value)


def test_a_student_at_night_is_offered_nightline() -> None:
    """At 1:30 a student gets Nightline among the lines, and so the fitting service counts as open."""
    referral = REAL.match(
        "distress", "FR", at("FR", "2026-11-24T01:30"), risk=RiskLevel.CONCERN, age_band="18_25", language="fr"
    )

    assert "fr-nightline" == ids(referral)[0]
    assert referral.fitting_is_open


@pytest.mark.parametrize("band", ["under_13", "13_14", "15_17"])
def test_a_minor_is_not_sent_to_a_line_for_students(band: str) -> None:
    """Nightline and Cnaé are for students: somebody under 18 is offered others."""
    referral = REAL.match("students", "FR", at("FR", "2026-11-24T22:00"), age_band=band)

    assert not {"fr-nightline", "fr-cnae"} & set(ids(referral))


def test_the_chat_of_119_keeps_its_own_hours() -> None:
    """The chat of 119 opens at 13:00 on Wednesdays and at 15:00 on Tuesdays, while its phone never closes."""
    phone, chat = REAL.services["fr-119"].channels

    assert chat.status(at("FR", "2026-11-25T13:30")).is_open
    assert not chat.status(at("FR", "2026-11-24T13:30")).is_open
    assert phone.status(at("FR", "2026-11-24T13:30")).is_around_the_clock


def test_the_chat_of_119_is_unknown_on_a_holiday() -> None:
    """Nobody knows whether the chat of 119 answers on 14 July, so it is not said to be open."""
    assert REAL.services["fr-119"].channels[1].status(at("FR", "2027-07-14T14:00")).hours is Hours.UNKNOWN


def test_119_does_not_appear_on_bills() -> None:
    """A child is told that 119 is not on phone bills, and that it may alert others."""
    note = REAL.services["fr-119"].note

    assert ("factures" in note["fr"], "phone bills" in note["en"], "الفاتورة" in note["ar"]) == (True, True, True)
    assert "alerter" in note["fr"]


def test_suicidal_thoughts_lead_to_3114_first() -> None:
    """In France the first line for suicidal thoughts is 3114, at any hour."""
    at_any_hour = (ids(REAL.match("suicide", "FR", moment, risk=RiskLevel.HIGH))[0] for moment in (AFTERNOON, NIGHT))

    assert {"fr-3114"} == set(at_any_hour)


@pytest.mark.parametrize("theme", ["harassment", "sextortion", "grooming", "account", "hate", "parents", "platform"])
def test_what_happens_online_leads_to_3018_first(theme: str) -> None:
    """In France the first line for bullying and violence online is 3018 when it is open."""
    assert "fr-3018" == ids(REAL.match(theme, "FR", AFTERNOON, risk=RiskLevel.CONCERN))[0]


def test_violence_at_home_leads_to_119_and_a_silent_way() -> None:
    """A child hurt at home is offered 119, and 114 by text in case somebody listens."""
    offers = REAL.match("violence_home", "FR", NIGHT, risk=RiskLevel.HIGH, age_band="13_14").offers

    assert [("119", ChannelKind.PHONE), ("114", ChannelKind.SMS)] == [
        (offer.channel.value, offer.channel.kind) for offer in offers[:2]
    ]


def test_sexual_violence_leads_to_119_and_the_line_against_rape() -> None:
    """A young person who was raped is offered 119 and, in its hours, Viols Femmes Informations (R9)."""
    referral = REAL.match("sexual_violence", "FR", AFTERNOON, risk=RiskLevel.HIGH, age_band="15_17")

    assert ["fr-119", "fr-cfcv"] == ids(referral)[:2]


def test_an_adult_asking_for_a_child_is_offered_the_child_s_lines() -> None:
    """119 is for the young, yet a parent or a teacher who worries is offered it: the age asked is not the child's."""
    for theme in ("worried", "parents"):
        assert "fr-119" in ids(REAL.match(theme, "FR", AFTERNOON, age_band="adult"))


def test_in_an_emergency_the_silent_way_is_among_the_three() -> None:
    """The emergency numbers of France include the one reached by text (R2)."""
    assert ["fr-15", "fr-17", "fr-114"] == ids(REAL.match("emergency", "FR", NIGHT, risk=RiskLevel.IMMINENT))


def test_an_english_speaker_is_offered_the_english_line() -> None:
    """Somebody who writes in English in France is offered SOS Help, somebody who writes in French is not."""
    english = ids(REAL.match("distress", "FR", AFTERNOON, risk=RiskLevel.CONCERN, language="en"))
    french = ids(REAL.match("loneliness", "FR", NIGHT, risk=RiskLevel.CONCERN, language="fr"))

    assert ("fr-soshelp-en" in english, "fr-soshelp-en" in french) == (True, False)


# Morocco


@pytest.mark.parametrize("theme", ["identity", "sexual_violence", "hate", "sextortion", "grooming", "health"])
@pytest.mark.parametrize("moment", HARD_TIMES)
def test_in_morocco_some_things_never_lead_to_the_police_unasked(theme: str, moment: str) -> None:
    """In Morocco who somebody loves, or what was done to them, is never turned into a police matter by a robot."""
    for risk in RiskLevel:
        for band in (None, *AGE_BANDS):
            referral = REAL.match(theme, "MA", at("MA", moment), risk=risk, age_band=band)

            assert not [offer.service.id for offer in referral.offers if offer.service.is_authority]


def test_in_morocco_police_is_every_service_of_police_and_justice() -> None:
    """The services of Moroccan police and justice are all marked as such."""
    authorities = {item.id for item in REAL.services.values() if item.country == "MA" and item.is_authority}

    assert {"ma-19", "ma-177", "ma-112", "ma-e-blagh", "ma-plaintes"} == authorities


def test_in_morocco_suicidal_thoughts_lead_to_help_that_exists() -> None:
    """No suicide line exists in Morocco: emergency, 2511 for minors and a listening chat are offered."""
    referral = REAL.match("suicide", "MA", at("MA", "2026-11-24T15:00"), risk=RiskLevel.HIGH, age_band="15_17")

    assert ["ma-15", "ma-onde-2511", "ma-sos-amitie"] == ids(referral)


def test_the_chat_offered_in_morocco_keeps_french_time() -> None:
    """In summer SOS Amitié's chat opens at 13:00 in Paris, which is 12:00 in Casablanca."""
    status = REAL.services["ma-sos-amitie"].channels[0].status(at("MA", "2027-07-13T11:59"))

    assert at("MA", "2027-07-13T12:00") == status.opens_at


def test_cyberconfiance_on_whatsapp_is_not_promised_around_aid() -> None:
    """On the estimated days of Aïd el-Adha the WhatsApp line of Cyberconfiance is not said to be open."""
    line = REAL.services["ma-emc-helpline"].channels[0]
    days = (at("MA", f"2027-05-{day}T12:00") for day in (17, 18))

    assert {Hours.UNKNOWN} == {line.status(day).hours for day in days}


def test_a_form_is_not_somebody_who_answers() -> None:
    """At 3:00 Cyberconfiance has a form but nobody there, so the fitting service does not count as open."""
    referral = REAL.match("harassment", "MA", at("MA", "2026-11-24T03:00"), risk=RiskLevel.CONCERN)

    assert ("ma-emc-helpline", False) == (referral.fitting and referral.fitting.service.id, referral.fitting_is_open)


def test_darija_is_answered_by_a_line_that_speaks_it() -> None:
    """A child who writes in Darija is offered 2511 before a chat in French."""
    referral = REAL.match(
        "distress", "MA", at("MA", "2026-11-24T15:00"), risk=RiskLevel.CONCERN, age_band="13_14", language="ary"
    )

    assert ["ma-onde-2511", "ma-sos-amitie"] == ids(referral)


# The rules of matching


def test_an_unknown_country_gets_the_home_country() -> None:
    """Somebody from a country we do not cover gets the offer of the helpline's own country."""
    assert REAL.countries["FR"] is REAL.country("DE")


def test_a_country_without_a_verified_emergency_number_is_not_served() -> None:
    """A country of which no emergency number may be shown is set aside, and its people get the home country's offer."""
    offered = directory(service("a"), general="")

    assert (["XX"], "FR") == (list(offered.unserved), offered.country("XX").code)


def test_an_unknown_theme_is_distress() -> None:
    """A theme that nobody has filled leads to the lines for distress rather than to nothing."""
    assert ids(REAL.match("distress", "FR", NIGHT)) == ids(REAL.match("gardening", "FR", NIGHT))


@pytest.mark.parametrize("tag", ["C", "X"])
def test_what_is_not_verified_is_not_offered(tag: str) -> None:
    """A service or a channel tagged C or X is never offered, whatever else is closed."""
    hidden = service("hidden", confidence=tag)
    half = service("half", channel("2", confidence=tag), channel("3", "Mo-Fr 09:00-10:00"))
    offered = directory(hidden, half)

    assert [] == ids(offered.match("distress", "FR", NIGHT))
    assert offered.offer(hidden, NIGHT) is None
    assert ["3"] == [offer.channel.value for offer in offered.offers(half, NIGHT)]


def test_hours_that_are_not_verified_are_unknown() -> None:
    """A number may be sure while its hours are hearsay: then it is not said to be open."""
    assert channel(hours_confidence="C").status(NIGHT).hours is Hours.UNKNOWN


def test_open_lines_come_before_unknown_ones_and_closed_ones_not_at_all() -> None:
    """What is known to be open comes first, what is unknown after it, and what is closed is left out."""
    closed, unknown, opened = (service(name, channel(hours=hours)) for name, hours in CASES)

    assert ["open", "unknown"] == ids(directory(closed, unknown, opened).match("distress", "FR", NIGHT))


CASES = (("closed", "Mo-Su 09:00-23:00"), ("unknown", ""), ("open", "Mo-Su 00:00-06:00"))


def test_when_the_fitting_service_is_closed_it_is_still_known() -> None:
    """The service made for this is named with its opening time even when it is closed."""
    referral = directory(service("closed", channel(hours="Mo-Su 09:00-23:00"))).match("distress", "FR", NIGHT)

    assert referral.fitting is not None
    assert datetime(2026, 11, 24, 9, tzinfo=PARIS) == referral.fitting.status.opens_at
    assert not referral.fitting_is_open


def test_of_services_that_fit_equally_well_the_open_one_counts() -> None:
    """Where a day line and a night line fit equally well, the night line is the fitting one at night."""
    offered = directory(service("day", channel(hours="Mo-Su 09:00-23:00")), service("night"), fitting=2)
    referral = offered.match("distress", "FR", NIGHT)

    assert ("night", True) == (referral.fitting and referral.fitting.service.id, referral.fitting_is_open)


def test_when_no_line_of_the_theme_answers_day_and_night_an_emergency_number_stands_in() -> None:
    """Somebody at risk always gets a line that answers day and night, in the third place if need be."""
    lines = [service(name, channel(hours="Mo-Su 00:00-06:00")) for name in "abcd"]

    assert ["a", "b", "sos"] == ids(directory(*lines).match("distress", "FR", NIGHT, risk=RiskLevel.CONCERN))
    assert ["a", "b", "c"] == ids(directory(*lines).match("distress", "FR", NIGHT))


def test_a_line_of_the_theme_is_preferred_to_an_emergency_number() -> None:
    """A listening line that is usually open day and night stands before an emergency number that certainly is."""
    usual = service("usual", channel(hours_confidence="B"), confidence="B")

    assert ["usual"] == ids(directory(usual).match("distress", "FR", NIGHT, risk=RiskLevel.CONCERN))


def test_a_form_is_no_line_around_the_clock() -> None:
    """A form that is there at all hours does not replace somebody who answers."""
    form = service("form", channel("https://example.org", kind=ChannelKind.WEB))

    assert ["form", "sos"] == ids(directory(form).match("distress", "FR", NIGHT, risk=RiskLevel.CONCERN))


def test_in_serious_danger_the_line_around_the_clock_comes_first() -> None:
    """From high risk on the line that answers day and night comes before those of usual hours."""
    usual = service("usual", channel(hours="Mo-Su 00:00-06:00", hours_confidence="B"))
    offered = directory(usual, service("always"))

    assert ["always", "usual"] == ids(offered.match("distress", "FR", NIGHT, risk=RiskLevel.HIGH))
    assert ["usual", "always"] == ids(offered.match("distress", "FR", NIGHT, risk=RiskLevel.CONCERN))


def test_in_serious_danger_a_fitting_line_that_is_certain_stays_first() -> None:
    """Even at high risk the service made for this stays first when it certainly answers now."""
    fitting = service("fitting", channel(hours="Mo-Su 00:00-06:00"))
    offered = directory(fitting, service("always"))

    assert ["fitting", "always"] == ids(offered.match("distress", "FR", NIGHT, risk=RiskLevel.HIGH))


def test_police_is_not_offered_unasked_where_it_would_harm() -> None:
    """Where the country says so, police is left out, among the lines and among the emergency numbers."""
    police, ambulance = service("police", is_authority=True), service("ambulance")
    offered = directory(service("cop", is_authority=True), emergency=(police, ambulance), never=frozenset({"distress"}))

    assert ["ambulance"] == ids(offered.match("distress", "FR", NIGHT, risk=RiskLevel.HIGH))


def test_a_line_that_speaks_neither_french_nor_the_person_s_language_is_left_out() -> None:
    """Nobody is sent to a line that cannot understand them when another one could."""
    offered = directory(service("english", languages=("en",)), service("french"))

    assert ["french"] == ids(offered.match("distress", "FR", NIGHT, language="ar"))


def test_a_line_that_speaks_the_language_has_a_place() -> None:
    """Where one exists, a line that speaks the person's language is among the three."""
    foreign = service("english", channel(hours=""), languages=("en",))
    offered = directory(*(service(name) for name in "abc"), foreign)

    assert "english" in ids(offered.match("distress", "FR", NIGHT, risk=RiskLevel.HIGH, language="en"))


@pytest.mark.parametrize(("band", "fits"), [("13_14", False), ("15_17", True), ("18_25", True), ("adult", False)])
def test_a_service_is_for_its_age(band: str, *, fits: bool) -> None:
    """A service for 16 to 20 fits the bands that touch those years, and an age nobody gave."""
    youth = service("youth", ages=(16, 20))

    assert fits == youth.fits_age(band)
    assert youth.fits_age(None)


def test_an_open_channel_is_offered_before_one_of_unknown_hours() -> None:
    """Of one service the way that is open now is shown, then one of unknown hours, then the one that opens first."""
    many = service(
        "many",
        channel("opens-late", "Mo-Su 12:00-13:00"),
        channel("opens-early", "Mo-Su 09:00-10:00"),
        channel("unknown", ""),
        channel("open"),
    )
    values = [offer.channel.value for offer in directory(many).offers(many, NIGHT)]

    assert ["open", "unknown", "opens-early", "opens-late"] == values


def test_a_mailbox_does_not_hide_that_a_line_is_closed() -> None:
    """A service whose phone is closed is not shown by its mailbox as if somebody were there."""
    post = service("post", channel("phone", "Mo-Su 09:00-10:00"), channel("a@example.org", "", kind=ChannelKind.EMAIL))

    assert "phone" == directory(post).offers(post, NIGHT)[0].channel.value
