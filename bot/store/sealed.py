"""How values are written into sealed columns: JSON, sealed with the conversation's key for the place it belongs to."""

from __future__ import annotations

import json
from typing import Any

from bot.domain.messages import InboundKind, OutboundMessage, QuickReply
from bot.domain.risk import Assessment, Danger, Reason, RiskLevel
from bot.domain.turns import DialogueState, TurnMessage
from bot.store.crypto import DataKey
from bot.store.tables import InboundRow, OutboundRow


def _pack(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _replies(pairs: list[list[str]]) -> tuple[QuickReply, ...]:
    return tuple(QuickReply(title, payload) for title, payload in pairs)


def _pairs(replies: tuple[QuickReply, ...]) -> list[list[str]]:
    return [[reply.title, reply.payload] for reply in replies]


def seal_state(key: DataKey, state: DialogueState, conversation_id: int) -> bytes:
    """The dialogue state of a conversation, sealed."""
    value = {
        "engine": state.engine,
        "asked": state.asked,
        "replies": _pairs(state.quick_replies),
        "used": state.used,
        "report": state.report,
    }
    return key.seal(_pack(value), f"conversations.state:{conversation_id}")


def open_state(key: DataKey, sealed: bytes | None, conversation_id: int) -> DialogueState:
    """The dialogue state of a conversation; an empty one when none was kept."""
    if sealed is None:
        return DialogueState()
    value = json.loads(key.open(sealed, f"conversations.state:{conversation_id}"))
    return DialogueState(
        value["engine"], value["asked"], _replies(value["replies"]), tuple(value["used"]), value.get("report", "")
    )


def seal_inbound(key: DataKey, text: str, payload: str, place: str) -> bytes:
    """What a person wrote or tapped, sealed."""
    return key.seal(_pack([text, payload]), f"inbound.text:{place}")


def seal_verdict(key: DataKey, assessment: Assessment, place: str) -> bytes:
    """A verdict, whose reasons quote the person, sealed."""
    reasons = [[reason.rule, int(reason.risk), reason.quote] for reason in assessment.reasons]
    return key.seal(_pack([assessment.language, list(assessment.dangers), reasons]), f"inbound.verdict:{place}")


def open_inbound(key: DataKey, row: InboundRow) -> TurnMessage:
    """An inbound row with its words and its verdict."""
    text, payload = (
        json.loads(key.open(row.text_sealed, f"inbound.text:{row.external_id}")) if row.text_sealed else ("", "")
    )
    language, dangers, reasons = "", [], []
    if row.verdict_sealed:
        language, dangers, reasons = json.loads(key.open(row.verdict_sealed, f"inbound.verdict:{row.external_id}"))
    assessment = Assessment(
        risk=RiskLevel(row.risk),
        language=language,
        dangers=tuple(Danger(danger) for danger in dangers),
        reasons=tuple(Reason(rule, RiskLevel(risk), quote) for rule, risk, quote in reasons),
    )
    return TurnMessage(row.id, InboundKind(row.kind), text, payload, assessment)


def seal_outbound(key: DataKey, message: OutboundMessage, place: str) -> bytes:
    """The body of a message of ours, sealed."""
    return key.seal(_pack([message.text, _pairs(message.quick_replies), message.document]), f"outbound.body:{place}")


def open_outbound(key: DataKey, row: OutboundRow) -> OutboundMessage:
    """A message of ours as it is to be sent."""
    place = f"outbound.body:{row.conversation_id}/{row.turn}/{row.position}"
    text, pairs, *document = json.loads(key.open(row.body_sealed, place))
    return OutboundMessage(text, _replies(pairs), row.key, row.is_urgent, document="".join(document))
