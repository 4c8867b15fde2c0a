"""The reckoning after a storm: what the providers saw against what the database says, message by message."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bench.storm_wires import Fate, Provider, Taken, sid_of
from bot.domain.conversations import Mode
from bot.domain.messages import DeliveryStatus
from bot.store.contacts import address_of
from bot.store.crypto import Keyring
from bot.store.sealed import open_outbound
from bot.store.tables import ContactRow, ConversationRow, InboundRow, OutboundRow

Hurt = list[tuple[float, float, str]]
"""From, to (monotonic seconds), and what was done to us then."""


@dataclass
class Ledger:
    """The counts a storm is judged by; `notes` holds an example of each fault, without words."""

    inbound: int = 0
    outbound: int = 0
    lost: int = 0
    doubled: int = 0
    reordered: int = 0
    unanswered: int = 0
    unconfirmed: int = 0
    unconfirmed_doubled: int = 0
    mishaps: int = 0
    thrice: int = 0
    crashed: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Nothing lost, nothing doubled, nothing out of order, nobody without an answer."""
        return not (self.lost or self.doubled or self.reordered or self.unanswered or self.thrice or self.crashed)

    def note(self, kind: str, what: str) -> None:
        """Keep a few examples of a kind of fault."""
        if sum(line.startswith(kind) for line in self.notes) < 5:
            self.notes.append(f"{kind}: {what}")

    def lines(self) -> Iterable[str]:
        """The result, for people."""
        yield f"{self.inbound} messages in, {self.outbound} out"
        yield f"lost {self.lost}   duplicated {self.doubled}   reordered {self.reordered}   unanswered {self.unanswered}"
        yield (
            f"apart: accepted and never confirmed {self.unconfirmed}, of these sent twice {self.unconfirmed_doubled}, "
            f"more than twice {self.mishaps} after a mishap each time, {self.thrice} without"
        )
        yield f"processes that ended by themselves: {self.crashed}"
        yield from self.notes


async def reckon(
    session: AsyncSession, keyring: Keyring, expected: dict[str, str], providers: tuple[Provider, ...], hurt: Hurt
) -> Ledger:
    """Compare. `expected`: the inbound ids a webhook was thanked for, with the address each came from."""
    ledger = Ledger(inbound=len(expected))
    found = await _check_inbound(session, ledger, set(expected))
    query = select(ConversationRow, ContactRow).join(ContactRow, ContactRow.id == ConversationRow.contact_id)
    seen = {provider.name: _by_address(provider.taken) for provider in providers}
    rows: dict[tuple[str, str], list[_Said]] = defaultdict(list)
    for row, contact in (await session.execute(query.order_by(ConversationRow.id))).all():
        key = keyring.unwrap(row.key_wrapped, f"conversations.key:{row.contact_id}")
        said = select(OutboundRow).where(OutboundRow.conversation_id == row.id).order_by(OutboundRow.id)
        written = [_Said(item, open_outbound(key, item).text) for item in (await session.execute(said)).scalars()]
        rows[contact.channel, address_of(keyring, contact)] += written
        if found.get(row.id) and not written and Mode(row.mode) is Mode.BOT:
            ledger.unanswered += 1
            ledger.note("unanswered", f"conversation {row.id} was never answered")
    for (channel, address), outbound in rows.items():
        _check_outbound(ledger, channel, outbound, seen.get(channel, {}).get(address, []), hurt)
    return ledger


@dataclass(frozen=True, slots=True)
class _Said:
    row: OutboundRow
    text: str


async def _check_inbound(session: AsyncSession, ledger: Ledger, expected: set[str]) -> dict[int, int]:
    """Every message that was thanked for is stored once and answered; counts by conversation."""
    stored: dict[str, InboundRow] = {}
    per_conversation: dict[int, int] = defaultdict(int)
    for row in (await session.execute(select(InboundRow))).scalars():
        name = f"{row.channel}:{row.external_id}"
        if name in stored:
            ledger.doubled += 1
            ledger.note("duplicated", f"inbound {name}")
        stored[name] = row
        per_conversation[row.conversation_id] += 1
        if row.answered_at is None:
            ledger.unanswered += 1
            ledger.note("unanswered", f"inbound {name} of conversation {row.conversation_id}")
    for name in expected - stored.keys():
        ledger.lost += 1
        ledger.note("lost", f"inbound {name}")
    return per_conversation


def _by_address(taken: list[Taken]) -> dict[str, list[Taken]]:
    found: dict[str, list[Taken]] = defaultdict(list)
    for item in taken:
        found[item.address].append(item)
    return found


def _check_outbound(ledger: Ledger, channel: str, said: list[_Said], taken: list[Taken], hurt: Hurt) -> None:
    """One person's messages: each stored one at the provider, none without a stored one, all in order."""
    by_id = {(item.id if channel == "telegram" else sid_of(item.id)): item for item in taken}
    arrived: list[tuple[_Said, Taken]] = []
    for item in said:
        status = DeliveryStatus(item.row.status)
        if status is DeliveryStatus.WITHDRAWN:
            continue
        ledger.outbound += 1
        match = by_id.pop(item.row.external_id, None) if item.row.external_id else None
        if match is None:
            ledger.lost += 1
            ledger.note("lost", f"outbound {item.row.id} ({item.row.key}, {status.name}, {item.row.error_code})")
            continue
        arrived.append((item, match))
    _check_order(ledger, arrived)
    _check_extra(ledger, arrived, list(by_id.values()), hurt)


def _check_order(ledger: Ledger, arrived: list[tuple[_Said, Taken]]) -> None:
    """In the order they were stored. Only emergency words go before others, and before each other when one was refused."""
    for urgent in (False, True):
        group = [pair for pair in arrived if pair[0].row.is_urgent is urgent]
        for (before, first), (item, second) in pairwise(group):
            if second.at < first.at and not (urgent and before.row.attempts > 1):
                ledger.reordered += 1
                ledger.note("reordered", f"outbound {item.row.id} ({item.row.key}), turn {item.row.turn}")


def _check_extra(ledger: Ledger, arrived: list[tuple[_Said, Taken]], extra: list[Taken], hurt: Hurt) -> None:
    """What the provider took and we never knew of: an acceptance that was lost on its way, by the weather or by a kill."""
    copies: dict[str, list[str]] = defaultdict(list)
    for item in extra:
        blows = [f"{what} at {start}" for start, end, what in hurt if start <= item.at <= end]
        excuse = "weather" if item.fate is Fate.UNCONFIRMED else next(iter(blows), "")
        if not excuse:
            ledger.doubled += 1
            nearest = min(hurt, key=lambda one: min(abs(one[0] - item.at), abs(one[1] - item.at)), default=(0, 0, "-"))
            ledger.note(
                "duplicated",
                f"provider's message {item.id}, {item.at - nearest[1]:.1f} s after the end of: {nearest[2]} "
                f"({nearest[1] - nearest[0]:.1f} s long)",
            )
            continue
        ledger.unconfirmed += 1
        copies[item.text].append(excuse)
    said: dict[str, int] = defaultdict(int)
    for pair, _ in arrived:
        said[pair.text] += 1
    for text, excuses in copies.items():
        ledger.unconfirmed_doubled += min(len(excuses), said[text])
        # Another try after two that may or may not have arrived: a word twice too often is better than one that is lost.
        ledger.mishaps += max(0, len(set(excuses)) - said[text])
        ledger.thrice += max(0, len(excuses) - max(said[text], len(set(excuses))))
        if len(excuses) > said[text]:
            ledger.note(
                "more than twice", f"{len(excuses)} unconfirmed against {said[text]} stored ({', '.join(excuses)})"
            )
