from __future__ import annotations

import argparse
import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from bot.commands import directory as command
from bot.commands.directory import FOLDER, add_parser, check, response_texts, run, show
from bot.config import ROOT, Settings
from bot.store.directory import load_directory

REAL = load_directory(ROOT / "directory")
TODAY = date(2026, 11, 21)
RESPONSES = """responses:
  utter_greet:
  - text: "Salut"
    buttons: [{title: "Bonjour", payload: "/greet"}]
  utter_do_refer:
  - custom: {do: refer, theme: distress}
"""


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    """A directory and responses to spoil."""
    responses = tmp_path / "responses"
    responses.mkdir()
    (responses / "small.yml").write_text(RESPONSES, "utf-8")
    return Path(shutil.copytree(FOLDER, tmp_path / "directory")), responses


def spoil(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def parse(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers(dest="command"))
    return parser.parse_args(["directory", *arguments])


def row(table: str, *cells: str) -> str:
    """The row of a table that holds all the cells."""
    return next(line for line in table.splitlines() if all(cell in line for cell in cells))


def test_the_check_of_what_we_ship_ends_well(places: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    """The directory passes its check; what an operator should look at is on standard output, a line each."""
    status = check(*places, TODAY)
    out, err = capsys.readouterr()

    assert (0, "") == (status, err)
    assert "warning: FR: tagged C, not shown until somebody has called: fr-mda, fr-abie, fr-contact" in out.splitlines()
    assert out.splitlines()[-1].startswith("83 services, 6 countries: 0 errors")


def test_errors_are_lines_on_standard_error(places: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    """Each thing that is wrong is one line with its place, and the exit status is 1."""
    spoil(places[1] / "small.yml", "Salut", "Appelle Net Écoute")
    status = check(*places, TODAY)
    err = capsys.readouterr().err

    assert 1 == status
    assert ["error: small.yml utter_greet: says “Net Ecoute”: replaced by 3018 on 13 April 2021"] == err.splitlines()


def test_a_wrong_title_of_a_quick_reply_is_found_too(
    places: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """What one taps is read like what is written."""
    spoil(places[1] / "small.yml", "Bonjour", "Appeler le 3020")

    assert 1 == check(*places, TODAY)
    assert "small.yml utter_greet" in capsys.readouterr().err


def test_a_stale_directory_fails(places: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    """Half a year after nobody has called, the check fails and names each number."""
    assert 1 == check(*places, date(2027, 6, 1))
    assert "days old: call, correct, and set the date" in capsys.readouterr().err


def test_a_file_that_does_not_read_is_one_line(places: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    """Hours that do not parse are named with their file and service, and the exit status is 1."""
    spoil(places[0] / "fr.yml", 'hours: "Mo-Su 09:00-22:00"', 'hours: "9h-22h"')
    status = check(*places, TODAY)
    err = capsys.readouterr().err

    assert (1, 1) == (status, len(err.splitlines()))
    assert err.startswith("error: fr.yml: fr-fsj: hours do not parse")


def test_responses_that_do_not_read_are_one_line(places: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    """A file of words that is no file of words is named."""
    (places[1] / "small.yml").write_text("nothing: here", "utf-8")

    assert 1 == check(*places, TODAY)
    assert capsys.readouterr().err.startswith("error: small.yml")


def test_every_text_and_title_is_read(places: tuple[Path, Path]) -> None:
    """Texts and the titles of quick replies are checked; orders to the gateway have no words."""
    assert ["Salut\nBonjour", ""] == [text.words for text in response_texts(places[1])]


def test_our_own_responses_pass_the_check(capsys: pytest.CaptureFixture[str]) -> None:
    """No text under responses/ holds a number or a fact that is over."""
    status = check(FOLDER, ROOT / "responses", TODAY)

    assert (0, "") == (status, capsys.readouterr().err)


def test_show_says_what_is_open_at_a_moment(capsys: pytest.CaptureFixture[str]) -> None:
    """At 22:59 3018 is open until 23 h, and 3114 day and night; the table is in French."""
    status = show(REAL, "FR", datetime(2026, 11, 24, 22, 59), "fr")  # noqa: DTZ001 - read in the country's time
    table = capsys.readouterr().out

    assert 0 == status
    assert "ouvert" in row(table, "fr-3018", "phone")
    assert "jour et nuit" in row(table, "fr-3114", "phone")
    assert "fermé" in row(table, "fr-cnae", "phone")


def test_a_time_without_a_zone_is_the_country_s(capsys: pytest.CaptureFixture[str]) -> None:
    """11:30 asked for Morocco is 11:30 in Casablanca, asked for Quebec it is 11:30 in Montreal."""
    naive = datetime(2026, 11, 24, 11, 30)  # noqa: DTZ001 - that is the point
    show(REAL, "MA", naive, "en")
    show(REAL, "CA", naive, "en")
    titles = [line for line in capsys.readouterr().out.splitlines() if " · " in line and "2026" in line]

    assert [
        "MA · Tuesday 2026-11-24 11:30 Africa/Casablanca",
        "CA · Tuesday 2026-11-24 11:30 America/Toronto",
    ] == titles


def test_a_time_with_a_zone_is_shown_in_the_country_s(capsys: pytest.CaptureFixture[str]) -> None:
    """A moment told in UTC is shown as the clock reads in the country."""
    show(REAL, "FR", datetime(2026, 7, 14, 20, 0, tzinfo=UTC), "fr")

    assert capsys.readouterr().out.startswith("FR · mardi 2026-07-14 22:00 Europe/Paris")


def test_show_does_not_hide_what_is_hidden(capsys: pytest.CaptureFixture[str]) -> None:
    """The operator sees which services wait for a call before they may be shown to anybody."""
    show(REAL, "MA", datetime(2026, 11, 24, 11, 30, tzinfo=UTC), "fr")

    assert "caché, à vérifier" in row(capsys.readouterr().out, "ma-141")


@pytest.mark.parametrize(("language", "word"), [("fr", "maintenant"), ("en", "now"), ("ar", "الآن"), ("ary", "الآن")])
def test_the_table_speaks_three_languages(language: str, word: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The table is in the language asked for."""
    show(REAL, "LU", datetime(2026, 11, 24, 11, 30, tzinfo=UTC), language)

    assert word in capsys.readouterr().out


def test_a_country_that_is_not_covered_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """Asked for a country we have nothing for, the command says which ones there are."""
    status = show(REAL, "DE", None, "fr")

    assert (2, "bot directory: --country DE: expected one of BE, CA, CH, FR, LU, MA\n") == (
        status,
        capsys.readouterr().err,
    )


def test_the_arguments_are_those_of_the_contract() -> None:
    """`show` takes a country in any case, a moment and a language; French is the default."""
    options = parse("show", "--country", "ma", "--now", "2026-11-24T02:00")

    assert ("MA", datetime(2026, 11, 24, 2), "fr") == (options.country, options.now, options.language)  # noqa: DTZ001


def test_show_uses_the_default_country(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a country the helpline's own is shown."""
    settings = Settings(_env_file=None, default_country="MA")  # type: ignore[call-arg]

    assert 0 == run(parse("show", "--now", "2026-11-24T02:00"), settings)
    assert capsys.readouterr().out.startswith("MA · ")


def test_check_is_wired(monkeypatch: pytest.MonkeyPatch) -> None:
    """`bot directory check` checks our own files on the day it runs."""
    asked: list[tuple[Path, Path, str]] = []
    monkeypatch.setattr(command, "check", lambda folder, responses, _day, home: asked.append((folder, responses, home)))
    run(parse("check"), Settings(_env_file=None))  # type: ignore[call-arg]

    assert [(ROOT / "directory", ROOT / "responses", "FR")] == asked
