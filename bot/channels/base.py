"""What every channel can do. Telegram, WhatsApp and the simulator each have a module of their own beside this one."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from bot.domain.messages import InboundMessage, OutboundMessage, SendError, SendResult


class Channel(Protocol):
    """A way to reach people. Sending never raises for what the provider answers: that comes back as data."""

    @property
    def name(self) -> str:
        """The name stored with every message: telegram, whatsapp or simulator."""

    def prepare(self, message: OutboundMessage) -> tuple[OutboundMessage, ...]:
        """The message in the parts and the form this channel takes."""

    async def send(self, address: str, message: OutboundMessage) -> SendResult:
        """Hand one prepared message to the provider."""

    async def retract(self, address: str, external_ids: tuple[str, ...]) -> bool:
        """Delete what the provider lets us delete of these messages, both ways; False when it is worth another try."""

    async def show_typing(self, address: str) -> None:
        """Show that an answer is coming, where the channel can; failures are of no consequence."""

    async def acknowledge(self, message: InboundMessage) -> None:
        """Tell the channel that a tap was received, where it waits for that."""

    async def close(self) -> None:
        """Close connections."""


@runtime_checkable
class Documents(Protocol):
    """A channel that carries a file of ours; elsewhere a link is sent that opens once."""

    async def send_document(self, address: str, message: OutboundMessage, content: bytes) -> SendResult:
        """Hand one prepared message to the provider with its file."""


@runtime_checkable
class Deleting(Protocol):
    """A channel whose provider deletes messages when asked: Telegram for two days, Twilio from its own storage."""

    async def delete(self, address: str, external_id: str) -> SendError | None:
        """Delete one message at the provider; None when it is gone, otherwise why not."""
