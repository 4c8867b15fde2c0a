"""The guided account: whatever somebody answers, skips, corrects or taps late, it ends well formed and nothing said is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.config import ROOT
from bot.domain import report
from bot.domain.report import CHOICES, PART_OF, Part, Report, Stage
from bot.store.platforms import load_platforms

PLATFORMS = load_platforms(ROOT / "nlu" / "lookups.yml")
WORDS = st.text(min_size=1, max_size=30)
MOVES = st.one_of(
    st.tuples(st.just("answer"), WORDS),
    st.tuples(st.just("answer"), WORDS),
    st.tuples(st.just("choose"), st.sampled_from(sorted(PART_OF))),
    st.tuples(st.just("skip"), st.just("")),
    st.tuples(st.just("fix"), st.sampled_from(list(Part))),
    st.tuples(st.just("take_out"), st.just("")),
    st.tuples(st.just("confirm"), st.just("")),
    st.tuples(st.just("read_again"), st.just("")),
    st.tuples(st.just("ask_consent"), st.just("")),
    st.tuples(st.just("settle"), st.just("")),
    st.tuples(st.just("digress"), st.just("")),
)


def moved(before: Report, move: str, value: str) -> Report:
    match move:
        case "answer":
            return report.answer(before, value)
        case "choose":
            return report.choose(before, PART_OF[value], value)
        case "fix":
            return report.fix(before, Part(value))
        case "digress":
            return before
        case _:
            after = getattr(report, move)(before)
            assert isinstance(after, Report)
            return after


def through(*words: str) -> Report:
    """An account with these answers in their order; an empty one is skipped."""
    made = Report()
    for each in words:
        made = report.answer(made, each) if each else made
        if not each or made.part is Part.WHAT:
            made = report.skip(made)
    return made


@given(st.lists(MOVES, max_size=60))
def test_any_talk_leaves_a_well_formed_account(moves: list[tuple[str, str]]) -> None:
    """Answers, skips, corrections, taps from long ago, questions in between: the account is never broken."""
    made = Report()
    for move, value in moves:
        made = moved(made, move, value)
        assert report.is_well_formed(made), (move, value)


@given(st.lists(MOVES, max_size=60))
def test_nothing_said_is_lost(moves: list[tuple[str, str]]) -> None:
    """Words stay until the person gives others for the same part or takes them out; no other move removes any."""
    made = Report()
    for move, value in moves:
        after = moved(made, move, value)
        for part, words in made.answers:
            replaced = move == "answer" and made.part is part and made.is_fixing and not made.is_begun
            anew = move == "answer" and made.part is part and part is not Part.WHAT
            assert words in after.of(part) or replaced or anew or (move == "take_out" and made.part is part)
        if move == "answer" and value.strip() and made.stage is Stage.ASKING and made.part is not None:
            assert value.strip() in after.of(made.part)
        made = after


@given(st.lists(MOVES, max_size=60))
def test_the_reading_back_is_always_within_reach(moves: list[tuple[str, str]]) -> None:
    """From anywhere, skipping leads to the reading back: nobody is kept in a form."""
    made = Report()
    for move, value in moves:
        made = moved(made, move, value)
    for _ in Part:
        made = report.skip(made)

    assert made.stage is not Stage.ASKING


def test_what_happened_may_come_in_several_messages() -> None:
    """People tell in bursts: the next message belongs to what happened until they say that is all."""
    made = report.answer(report.answer(Report(), "ils ont fait un groupe"), "et hier ils ont recommencé")

    assert "ils ont fait un groupe\net hier ils ont recommencé" == made.of(Part.WHAT)
    assert Part.WHERE is report.skip(made).part


def test_who_did_it_is_never_required() -> None:
    """An account without who, or without anything but one part, is an account."""
    made = through("un groupe", "Snapchat", "", "", "", "", "")

    assert Stage.READ_BACK is made.stage
    assert "" == made.of(Part.WHO)
    assert Stage.READY is report.confirm(made).stage


def test_an_empty_account_is_not_called_right() -> None:
    """Somebody who skipped everything is offered to begin, not a blank page."""
    made = through("", "", "", "", "", "", "")

    assert made.is_empty
    assert made == report.confirm(made)


def test_a_part_is_corrected_and_keeps_its_place() -> None:
    """Tapping a part asks for it again; the old words stay until there are new ones."""
    made = through("a", "b", "c", "d", "e", "f", "g")
    asked = report.fix(made, Part.SINCE)

    assert ("c", Part.SINCE) == (asked.of(Part.SINCE), asked.part)
    assert made == report.skip(asked)
    assert "depuis lundi" == report.answer(asked, "depuis lundi").of(Part.SINCE)
    assert "" == report.take_out(asked).of(Part.SINCE)
    assert list(Part) == [part for part, _ in report.answer(asked, "x").answers]


def test_several_taps_under_one_question_are_several_answers() -> None:
    """“I sleep badly” and “I'm afraid” can both be true."""
    made = through("a", "b", "c", "d", "e")
    first = report.choose(made, Part.EFFECTS, "Je dors mal")
    second = report.choose(first, Part.EFFECTS, "J'ai peur")

    assert "Je dors mal, J'ai peur" == second.of(Part.EFFECTS)
    assert second == report.choose(second, Part.EFFECTS, "J'ai peur")


def test_every_choice_belongs_to_one_question() -> None:
    """A tap says which question it answers, however late it comes."""
    assert len(PART_OF) == sum(map(len, CHOICES.values()))


def test_the_platform_is_the_one_named_first() -> None:
    """Steps are for the app the person named, in their spelling; “tt” is mostly “tout”, and a word inside another is none."""
    assert "snapchat" == report.platform_in("un groupe snap et puis insta", PLATFORMS)
    assert "tiktok" == report.platform_in("سناب لا، تيك توك", {"تيك توك": "tiktok"})
    assert "snapchat" == report.platform_in("فسناب", PLATFORMS)
    assert "" == report.platform_in("tt le monde rigole, instantanément", PLATFORMS)
