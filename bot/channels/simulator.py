"""The simulator: a channel without a provider. The page under /simulator reads what was sent from the transcript."""

from __future__ import annotations

import uuid

from bot.domain.messages import InboundMessage, OutboundMessage, SendResult, Sent

NAME = "simulator"


class SimulatorChannel:
    """Accepts everything; the message counts as sent the moment it is stored."""

    name = NAME

    def prepare(self, message: OutboundMessage) -> tuple[OutboundMessage, ...]:
        """Nothing to cut: the page takes any length."""
        return (message,)

    async def send(self, address: str, message: OutboundMessage) -> SendResult:
        """Accepted, under an id of our own."""
        return Sent(uuid.uuid4().hex)

    async def retract(self, address: str, external_ids: tuple[str, ...]) -> bool:
        """The page shows the transcript, which is ours to erase."""
        return True

    async def show_typing(self, address: str) -> None:
        """The page shows by itself that an answer is coming."""

    async def acknowledge(self, message: InboundMessage) -> None:
        """The page waits for nothing."""

    async def close(self) -> None:
        """Nothing to close."""
