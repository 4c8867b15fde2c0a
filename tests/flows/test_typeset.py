"""The pages themselves: read as they look, in both directions, with whatever somebody may write, telling nothing of us."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.config import ROOT
from bot.dialogue.content import Words
from bot.domain.directory import Directory
from bot.domain.report import Part, Report, Stage
from bot.flows.paper import paper_of
from bot.flows.typeset import Paper, Paragraph, Style, printable, typeset
from bot.store.contacts import ContactFacts
from bot.store.directory import load_directory, load_negative_facts
from bot.store.platforms import load_platforms
from tests.paper_reader import pages_of, text_of

AT = datetime(2026, 11, 21, 13, 5, tzinfo=UTC)
WIDTH, MARGIN = 595.28, 68.0


@dataclass
class Shelf:
    """What a paper is made from."""

    words: Words = field(default_factory=lambda: Words.load(ROOT / "responses"))
    directory: Directory = field(default_factory=lambda: load_directory(ROOT / "directory"))
    platforms: dict[str, str] = field(default_factory=lambda: load_platforms(ROOT / "nlu" / "lookups.yml"))


SHELF = Shelf()


def account(theme: str = "harassment", **told: str) -> Report:
    answers = tuple((part, told[part.value]) for part in Part if part.value in told)
    return Report(answers, stage=Stage.READY, part=None, theme=theme)


def paper(report: Report, language: str = "fr", country: str = "FR", age: str | None = None) -> bytes:
    facts = ContactFacts(1, language, country, age)
    return typeset(paper_of(SHELF, report, facts, AT))  # type: ignore[arg-type]


def plain(text: str) -> str:
    return re.sub(r"[\u00a0\n ]+", " ", text)


def test_it_holds_their_words_the_steps_the_law_and_whom_to_turn_to() -> None:
    """The account first, as written; then, on pages one may take out, proof, steps on the app named, law, lines."""
    content = paper(account(what="Ils m'ont insulté « tous les soirs ».", where="un groupe snap", since="lundi"))
    first, *rest = ("\n".join(line.text for line in page) for page in pages_of(content))
    after = plain("\n".join(rest))

    assert "Ils m'ont insulté « tous les soirs »." in plain(first)
    assert "samedi 21 novembre 2026 à 14 h 05" in plain(first)
    assert "3018" not in first
    for part in ("preuves", "Sur Snapchat", "puni par la loi", "signaleur de confiance", "https://3018.fr", "112"):
        assert part in after


@pytest.mark.parametrize("country", ["FR", "MA", "BE", "CH", "LU", "CA"])
@pytest.mark.parametrize("theme", ["harassment", "sextortion", "threats", "hate", "account", "grooming"])
def test_it_names_only_what_holds_where_they_live(country: str, theme: str) -> None:
    """Lines of the country alone, no fact that is over, no hole, no police unasked where that may turn on the victim."""
    text = text_of(paper(account(theme, what="un groupe"), "fr", country))
    here = SHELF.directory.country(country)
    hidden = [service for service in SHELF.directory.services.values() if service.country != country]
    foreign = [way.value for service in hidden for way in service.channels if way.value.startswith("https")]

    assert "{" not in text
    assert [] == [fact.why for fact in load_negative_facts(ROOT / "directory") if fact.found_in(text)]
    own = {way.value for one in SHELF.directory.services.values() if one.country == country for way in one.channels}
    assert [] == [link for link in foreign if link in text and link not in own]
    if theme in here.never_authorities:
        named = [
            one.name["fr"] for one in SHELF.directory.services.values() if one.country == country and one.is_authority
        ]
        assert [] == [name for name in named if name in text]
    assert ("3018" in text) == (country == "FR")
    assert ("DSA" in text) == (country == "FR")


def test_arabic_runs_from_right_to_left_and_numbers_do_not() -> None:
    """Drawn from the right margin, letters joined in their order; dates, phone numbers and links as they are dialled."""
    told = "بدأ الأمر يوم 12/09/2026 على Snapchat واتصل بي الرقم 06 12 34 56 78"
    lines = pages_of(paper(account(what=told, where="https://www.snapchat.com/add/x"), "ar", "MA"))[0]
    title = lines[0]
    drawn = " ".join(line.text for line in lines)

    assert "حكايتي"[::-1] == title.text
    assert title.right > WIDTH - MARGIN - 60
    assert "بدأ"[::-1] in drawn
    for whole in ("12/09/2026", "Snapchat", "06 12 34 56 78", "https://www.snapchat.com/add/x"):
        assert whole in drawn
    assert re.fullmatch(r"1 / \d", lines[-1].text)


def test_darija_in_latin_letters_is_answered_in_french_and_in_arabic_letters_in_arabic() -> None:
    """Who writes Darija with numbers reads French headings; who writes it in Arabic letters reads Arabic ones."""
    assert "Mon récit" in text_of(paper(account(what="kaydirou 3lia f groupe"), "ary", "MA"))
    assert "حكايتي"[::-1] in text_of(paper(account(what="كيديرو عليا فكروب"), "ary", "MA"))


def test_nothing_tells_who_made_it() -> None:
    """A file found on a phone has a neutral title and no maker, no address, no name of ours."""
    content = paper(account(what="un groupe"))

    assert b"/Title (Notes)" in content or "Notes".encode("utf-16-be") in content
    assert not re.search(rb"fpdf|relais|/Creator|/Author|telegram|whatsapp", content, re.IGNORECASE)
    assert not re.search(rb"/Producer \([^)]", content)
    assert "relais" not in text_of(content).lower()


def test_four_thousand_characters_flow_over_pages() -> None:
    """However long somebody writes, all of it is there, in order, within the margins, on numbered pages."""
    words = [f"mot{number}" for number in range(700)]
    content = paper(account(what=" ".join(words)))
    pages = pages_of(content)
    found = re.findall(r"mot(\d+)", " ".join(line.text for page in pages for line in page))

    assert [str(number) for number in range(700)] == found
    assert [f"{number} / {len(pages)}" for number in range(1, len(pages) + 1)] == [page[-1].text for page in pages]


def test_a_word_without_end_is_broken_and_kept() -> None:
    """A link of three hundred characters stays whole, over several lines."""
    link = "https://exemple.fr/" + "a1" * 150
    text = text_of(paper(account(what=f"voilà {link} fin")))

    assert link in text.replace("\n", "")


def test_what_cannot_be_drawn_is_marked_and_never_vanishes() -> None:
    """Faces are drawn, flags spelled out, other signs marked: nobody's words shrink in silence."""
    text = text_of(paper(account(what="😭💔 🇫🇷 🦄 漢字 ❤️ fin")))

    for part in ("😭💔", "[FR]", "[emoji]", "[?]", "❤", "fin"):
        assert part in text


@given(st.text(max_size=200))
@settings(max_examples=40, deadline=None)
def test_whatever_is_written_makes_a_paper(words: str) -> None:
    """Any characters there are: the paper is made, and letters and digits of ours stand in it."""
    made = Paper("fr", "ltr", (Paragraph(Style.TEXT, words or "x"),), AT)
    content = typeset(made)
    latin = re.findall(r"[a-zA-Z0-9]+", words)

    assert content.startswith(b"%PDF")
    assert all(run in printable(words, frozenset(range(32, 0x2000))) for run in latin)


def test_a_heading_never_stands_alone_at_the_foot_of_a_page() -> None:
    """Every heading has words under it on the same page."""
    paragraphs = tuple(
        Paragraph(style, text)
        for number in range(60)
        for style, text in ((Style.LABEL, f"titre{number}"), (Style.TEXT, f"texte{number}"))
    )
    for page in pages_of(typeset(Paper("fr", "ltr", paragraphs, AT))):
        assert not page[-2].text.startswith("titre")
