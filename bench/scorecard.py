"""The scorecard of what is understood: as a table, a list of errors, and docs/scorecard.md with its plots."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import matplotlib.figure

from bench import scores
from bench.scores import Judged
from bot.domain.risk import RiskLevel

mpl.use("Agg")
GOALS = {"fr": (0.98, 0.95, 0.90), "en": (0.97, 0.95, 0.85), "ar": (0.95, 0.95, 0.85), "ary": (0.95, 0.95, 0.85)}
"""Per language: found of at least high, found of imminent, macro F1 of intents (spec: understanding)."""
LOOK_ALIKE_GOAL = 0.03
MOST_PAIRS = 12
NAMES = {"fr": "French", "en": "English", "ar": "Arabic", "ary": "Darija"}


def by_language(rows: Iterable[Judged]) -> dict[str, list[Judged]]:
    """The rows of each language, in the order they came."""
    found: dict[str, list[Judged]] = defaultdict(list)
    for row in rows:
        found[row.language].append(row)
    return dict(found)


def table(rows: Sequence[Judged]) -> str:
    """One line a language, for the terminal."""
    head = (
        f"{'':5}{'at least high found':>30}{'imminent found':>30}{'concern found':>30}"
        f"{'alarms on look-alikes':>30}{'macro F1':>10}{'language':>10}\n"
    )
    lines = [head]
    for language, group in by_language(rows).items():
        right = scores.share(row.said_language == language for row in group)
        columns = (
            scores.found_serious(group),
            scores.found_imminent(group),
            scores.found_concern(group),
            scores.alarms(group),
        )
        lines.append(
            f"{language:5}{''.join(f'{column!s:>30}' for column in columns)}{scores.macro_f1(group):>10.3f}{right.value:>10.3f}\n"
        )
    return "".join(lines)


def errors(rows: Sequence[Judged]) -> str:
    """Every message of high or imminent risk given less, and every harmless one given an alarm."""
    lines: list[str] = []
    for row in rows:
        is_missed = row.risk >= RiskLevel.HIGH and row.said_risk < row.risk
        is_alarm = row.risk is RiskLevel.NONE and row.said_risk >= RiskLevel.HIGH
        if is_missed or is_alarm:
            lines.append(
                f"{row.id}\t{row.risk.word}→{row.said_risk.word}\t{row.serious:.2f}\t{row.intent}\t"
                f"{'; '.join(row.reasons)}\t{row.text}\n"
            )
    return "".join(lines)


def write(rows: Sequence[Judged], unseen: Mapping[str, Sequence[Judged]], milliseconds: float, docs: Path) -> None:
    """Write docs/scorecard.md and its plots. `unseen`: the sets of UNSEEN, by name."""
    (docs / "plots").mkdir(exist_ok=True)
    _plot_curves(rows, docs / "plots" / "found-and-alarms.svg")
    _plot_calibration(rows, docs / "plots" / "calibration.svg")
    parts = [_INTRODUCTION, _goals(rows)]
    for name, others in unseen.items():
        parts += [UNSEEN[name], *_goal_lines(others), ""]
    parts += [_levels(rows), _registers(rows), _pairs(rows), _calibrated(rows)]
    parts.append(f"## Time\n\nThe triage takes {milliseconds:.2f} ms (median) for a message of 60 to 100 characters.\n")
    (docs / "scorecard.md").write_text("\n".join(parts), "utf-8")


_INTRODUCTION = """# Scorecard

What Relais understands of its own test set (`tests/understanding/`, never trained on). Written by `make evaluate`; do not edit.
Shares come with their 95 % interval (Wilson) and the number of messages. Verdicts are those of the triage raised by the engine's
intent, as in a first message without a conversation.
"""


UNSEEN = {
    "blind": """## The second set

`tests/understanding/blind/`, written by another hand without sight of the training data or the first set; totals of it were
looked at when thresholds were chosen.
""",
    "third": """## The third set

`tests/understanding/third/`, written by two other hands without sight of the training data or the other sets. No threshold was
chosen on it. Two of its English messages were seen; its totals were, when the last 2,500 messages were written.
""",
}
"""What stands above the figures of each folder of tests/understanding that was written unseen."""


def _goals(rows: Sequence[Judged]) -> str:
    lines = ["## Against the goals\n", *_goal_lines(rows)]
    return "\n".join(lines) + "\n\n![found and alarms](plots/found-and-alarms.svg)\n"


def _goal_lines(rows: Sequence[Judged]) -> list[str]:
    lines = [
        "| language | `high` and more found (goal) | `imminent` found (goal) | look-alike alarms (≤ 0.03) | intents, F1 (goal) |",
        "|---|---|---|---|---|",
    ]
    for language, group in by_language(rows).items():
        high, imminent, intents = GOALS[language]
        lines.append(
            f"| {NAMES[language]} | {scores.found_serious(group)} ({high}) | {scores.found_imminent(group)} ({imminent}) "
            f"| {scores.alarms(group)} | {scores.macro_f1(group):.3f} ({intents}) |"
        )
    return lines


def _levels(rows: Sequence[Judged]) -> str:
    lines = [
        "## What each level was given\n",
        "| language | expected | none | concern | high | imminent |",
        "|---|---|---|---|---|---|",
    ]
    for language, group in by_language(rows).items():
        for level in RiskLevel:
            given = [sum(row.said_risk is said for row in group if row.risk is level) for said in RiskLevel]
            lines.append(f"| {NAMES[language]} | {level.word} | " + " | ".join(map(str, given)) + " |")
    return "\n".join(lines) + "\n"


def _registers(rows: Sequence[Judged]) -> str:
    lines = [
        "## By register\n",
        "| language | register | messages | at least `high` found | alarms | right intent |",
        "|---|---|---|---|---|---|",
    ]
    for language, group in by_language(rows).items():
        for register in sorted({row.register for row in group}):
            chosen = [row for row in group if row.register == register]
            right = scores.share(row.intent == row.said_intent for row in chosen)
            lines.append(
                f"| {NAMES[language]} | {register} | {len(chosen)} | {scores.found_serious(chosen)} "
                f"| {scores.alarms(chosen)} | {right} |"
            )
    return "\n".join(lines) + "\n"


def _pairs(rows: Sequence[Judged]) -> str:
    lines = ["## Intents most often confused\n", "| language | expected | said | times |", "|---|---|---|---|"]
    for language, group in by_language(rows).items():
        lines += [
            f"| {NAMES[language]} | {expected} | {said} | {count} |"
            for expected, said, count in scores.confusions(group, MOST_PAIRS)
        ]
    return "\n".join(lines) + "\n"


def _calibrated(rows: Sequence[Judged]) -> str:
    intent = scores.calibration_error(
        scores.calibration((row.confidence, row.intent == row.said_intent) for row in rows)
    )
    risk = scores.calibration_error(scores.calibration((row.serious, row.risk >= RiskLevel.HIGH) for row in rows))
    return (
        "## Calibration\n\nHow far stated and true probability lie apart on average: "
        f"{intent:.3f} for intents, {risk:.3f} for a risk of at least high.\n\n![calibration](plots/calibration.svg)\n"
    )


def _plot_curves(rows: Sequence[Judged], path: Path) -> None:
    figure = mpl.figure.Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for language, group in by_language(rows).items():
        points = scores.curve(group)
        axes.step([x for x, _ in points], [y for _, y in points], where="post", label=NAMES[language])
        axes.plot(scores.alarms(group).value, scores.found_serious(group).value, "o", color=axes.lines[-1].get_color())
    axes.axvline(LOOK_ALIKE_GOAL, linestyle=":", color="grey")
    axes.set(xlabel="alarms on look-alikes", ylabel="at least high, found", xlim=(0, 0.6), ylim=(0.4, 1.01))
    axes.set_title("The triage's model at every threshold (lines); with the rules, as set (dots)")
    axes.legend(loc="lower right")
    _save(figure, path)


def _plot_calibration(rows: Sequence[Judged], path: Path) -> None:
    figure = mpl.figure.Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    intents = scores.calibration((row.confidence, row.intent == row.said_intent) for row in rows)
    risks = scores.calibration((row.serious, row.risk >= RiskLevel.HIGH) for row in rows)
    for points, label in ((intents, "the intent is right"), (risks, "the risk is at least high")):
        axes.plot([stated for stated, *_ in points], [true for _, true, _ in points], "o-", label=label)
    axes.plot([0, 1], [0, 1], ":", color="grey")
    axes.set(xlabel="stated probability", ylabel="true share", xlim=(0, 1), ylim=(0, 1))
    axes.legend(loc="upper left")
    _save(figure, path)


def _save(figure: mpl.figure.Figure, path: Path) -> None:
    with mpl.rc_context({"svg.hashsalt": "relais"}):
        figure.savefig(path, metadata={"Date": None})
