"""What each volunteer chose for their own console; without a row, sound is on and the browser notifies of nothing."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from bot.store.tables_console import ChoiceRow


@dataclass(frozen=True, slots=True)
class Choices:
    """Sound for somebody in immediate danger, or not; notifications of the browser, or not."""

    is_muted: bool = False
    wants_notices: bool = False


async def of(session: AsyncSession, volunteer_id: int) -> Choices:
    """What a volunteer chose."""
    row = await session.get(ChoiceRow, volunteer_id)
    return Choices(row.is_muted, row.wants_notices) if row is not None else Choices()


async def save(session: AsyncSession, volunteer_id: int, choices: Choices) -> None:
    """Keep it, on every device of theirs."""
    row = await session.get(ChoiceRow, volunteer_id)
    if row is None:
        row = ChoiceRow(volunteer_id=volunteer_id)
        session.add(row)
    row.is_muted, row.wants_notices = choices.is_muted, choices.wants_notices
    await session.flush()
