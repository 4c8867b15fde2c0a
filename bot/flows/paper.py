"""What stands in the paper: the account in the person's own words, then, on pages they may take out, what comes next."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime

from bot import i18n
from bot.domain.directory import Directory
from bot.domain.messages import SendError, SendResult
from bot.domain.report import Part, Report, platform_in
from bot.domain.services import ChannelKind
from bot.flows import report_words
from bot.flows.helpline import Helpline
from bot.flows.typeset import Paper, Paragraph, Style, typeset
from bot.flows.wording import Wording
from bot.store import reports
from bot.store.contacts import ContactFacts, facts_of, facts_of_conversation
from bot.store.outbox import Delivery

FILE_NAME = "notes.pdf"
MOST_SERVICES = 5
UNION = frozenset({"FR", "BE", "LU"})
"""Countries we serve where the law of the European Union on online services and on data holds."""
SHOWN_KINDS = frozenset({ChannelKind.PHONE, ChannelKind.SMS, ChannelKind.CHAT, ChannelKind.WEB, ChannelKind.WHATSAPP})


async def send(helpline: Helpline, delivery: Delivery) -> SendResult:
    """Hand a message to its channel, with its file when it has one; the file is made now and kept nowhere."""
    channel = helpline.channels[delivery.channel]
    carry = getattr(channel, "send_document", None)
    if not delivery.message.document or carry is None:
        return await channel.send(delivery.address, delivery.message)
    async with helpline.database.read() as session:
        facts = await facts_of_conversation(session, delivery.conversation_id)
    content = await pdf_of(helpline, facts)
    if content is None:
        return SendError("report_gone", retryable=False)
    result: SendResult = await carry(delivery.address, delivery.message, content)
    return result


async def pdf_of(helpline: Helpline, facts: ContactFacts) -> bytes | None:
    """The paper of a contact; None when there is no account any more."""
    async with helpline.database.read() as session:
        stored = await reports.of_contact(session, helpline.keyring, facts.contact_id, helpline.clock())
    if stored is None or stored.report.is_empty:
        return None
    paper = paper_of(helpline, stored.report, facts, stored.touched_at)
    return await asyncio.to_thread(typeset, paper)


async def pdf_of_contact(helpline: Helpline, contact_id: int) -> bytes | None:
    """The same, for whoever opens a link."""
    async with helpline.database.read() as session:
        facts = await facts_of(session, contact_id)
    return await pdf_of(helpline, facts)


def paper_of(helpline: Helpline, report: Report, facts: ContactFacts, at: datetime) -> Paper:
    """Every paragraph, in the language the person writes; Darija in Latin letters is mostly written by who reads French."""
    language = facts.language
    if language == "ary":
        language = "ar" if report.has_arabic_letters else "fr"
    said = Wording(helpline.words, helpline.directory, language, facts.country, (), at)
    paragraphs = (*_account(report, said, language, facts, at), *_next(helpline, report, said, language, facts, at))
    return Paper(language, i18n.direction(language), tuple(paragraphs), at)


def _account(report: Report, said: Wording, language: str, facts: ContactFacts, at: datetime) -> Iterator[Paragraph]:
    zone = i18n.time_zone(facts.country)
    date, time = i18n.say_date(at, language, zone), i18n.say_time(at, language, zone)
    yield Paragraph(Style.TITLE, _words(said, "paper_title"))
    yield Paragraph(Style.NOTE, said.say("utter_report_paper_written", date=date, time=time).text)
    yield Paragraph(Style.NOTE, _words(said, "paper_own"))
    yield Paragraph(Style.CHAPTER, _words(said, "paper_account"))
    for part, words in report.answers:
        yield Paragraph(Style.LABEL, _words(said, f"label_part_{part}"))
        yield Paragraph(Style.TEXT, words)


def _next(
    helpline: Helpline, report: Report, said: Wording, language: str, facts: ContactFacts, at: datetime
) -> Iterator[Paragraph]:
    """Proof, steps on the platform, the law, whom to turn to."""
    platform = platform_in(report.text, helpline.platforms)
    steps = helpline.words.about("utter_platform_steps", language, "platform", platform) if platform else ""
    yield Paragraph(Style.TITLE, _words(said, "paper_for_you"), starts_page=True)
    yield Paragraph(Style.NOTE, _words(said, "paper_detach"))
    yield Paragraph(Style.CHAPTER, _words(said, "paper_proof"))
    yield Paragraph(Style.TEXT, said.say(_proof(report, platform)).text)
    if steps:
        yield Paragraph(Style.CHAPTER, _words(said, "paper_steps"))
        yield Paragraph(Style.TEXT, steps)
    yield Paragraph(Style.CHAPTER, _words(said, "paper_law"))
    for key in _law(facts.country):
        yield Paragraph(Style.TEXT, said.say(key).text)
    yield Paragraph(Style.CHAPTER, _words(said, "paper_send"))
    yield Paragraph(Style.TEXT, _words(said, "paper_choice"))
    for name, text in _services(helpline.directory, report.theme, facts, said, at, language):
        yield Paragraph(Style.LABEL, name)
        yield Paragraph(Style.TEXT, text)
    yield Paragraph(Style.TEXT, "\n" + _words(said, "paper_danger"))


def _words(said: Wording, key: str) -> str:
    return said.say(f"utter_report_{key}").text


def _proof(report: Report, platform: str) -> str:
    if report.theme == "threats":
        return "utter_keep_proof_threats"
    return "utter_keep_proof" if platform or not report.of(Part.WHERE) else "utter_keep_proof_school"


def _law(country: str) -> Iterator[str]:
    """The law that holds in a country, as far as the facts go; where the police may turn on a victim, as a choice."""
    yield "utter_rights" if country == "FR" else "utter_rights_local"
    if country == "FR":
        yield "utter_report_law_flagger"
    if country in UNION:
        yield "utter_report_law_minors"
        yield "utter_report_law_erase"
    yield "utter_report_law_limits"


def _services(
    directory: Directory, theme: str, facts: ContactFacts, said: Wording, at: datetime, language: str
) -> Iterator[tuple[str, str]]:
    """Services made for this in the country, with every way to reach them; a paper outlives hours, so it names none."""
    here = directory.country(facts.country)
    theme = theme if theme in here.themes else "harassment"
    services = (directory.services[id_] for id_ in here.themes[theme])
    fitting = (
        service
        for service in services
        if service.may_be_shown
        and service.fits_age(facts.age_band)
        and not (service.is_authority and theme in here.never_authorities)
    )
    for service, _ in zip(fitting, range(MOST_SERVICES), strict=False):
        ways = [offer.channel.value for offer in directory.offers(service, at) if offer.channel.kind in SHOWN_KINDS]
        note = service.note[language]
        reach = "\n".join(dict.fromkeys(ways))
        yield service.name[language], f"{service.about[language]} ({note})\n{reach}"


REQUIRED_KEYS = (
    *report_words.REQUIRED_KEYS,
    "utter_keep_proof",
    "utter_keep_proof_school",
    "utter_keep_proof_threats",
    "utter_rights",
    "utter_rights_local",
)
"""Words of the paper; `bot.app` refuses to start when one is missing."""
