"""How long everything is kept, and why: one row per table and risk, reviewed as data, enforced by upkeep and `bot purge`.

Periods are P11's (project decision, minimisation). Those marked “to be confirmed” wait for counsel and for the CNIL's
referentials on child protection (20 January 2022) and on social and medico-social follow-up (délib. 2023-095), which are not
binding but whose durations a deviation must be justified against (P10).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.conversations import SESSION_GAP
from bot.domain.risk import RiskLevel

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
REVIEWED_ON = "2026-11-21"


class Way(StrEnum):
    """What happens to the rows of a table when their time has come."""

    WORDS = "deleted with the words of their conversation"
    EMPTIED = "words emptied and the key destroyed with the words, the trace without content kept"
    TRACE = "a trace without content, deleted with its conversation"
    AGE = "deleted by age"
    FORGOTTEN = "address destroyed, the row kept nameless while traces point at it"
    WITH_OWNER = "deleted with the row it belongs to"
    CHAINED = "the oldest part removed, the chain kept verifiable"
    NOBODY = "about nobody"


@dataclass(frozen=True, slots=True)
class Rule:
    """What happens to one table. `column` holds the time that counts for AGE, CHAINED and FORGOTTEN."""

    table: str
    way: Way
    keeps: timedelta | None
    column: str
    source: str


WORDS_KEPT: dict[RiskLevel, timedelta] = {
    RiskLevel.NONE: 24 * HOUR,
    RiskLevel.CONCERN: 24 * HOUR,
    RiskLevel.HIGH: 30 * DAY,
    RiskLevel.IMMINENT: 90 * DAY,
}
"""Words of a conversation, after its end, by its gravest risk (P11: L0-L1 24 h, L2 30 days; L3 to be confirmed)."""
TRACES_KEPT = 365 * DAY
"""Traces without content: that somebody wrote, was answered, waited, was helped (P11: logs without content 12 months)."""
CONTACT_KEPT = 30 * DAY
"""An address, after the last message, once no words are left (P11: as long as L2)."""
REPORTS_KEPT = DAY
"""A guided report, after it was last touched, unless it was given to a volunteer (then it goes with the words)."""
WAITING_KEPT = 30 * DAY
"""A conversation that waits or is with a volunteer ends after this silence, if nobody ended it before."""
BACKUPS_KEPT = 14 * DAY
"""A backup file: erased words are gone from every copy after this (P11)."""

RULES: tuple[Rule, ...] = (
    Rule("contacts", Way.FORGOTTEN, CONTACT_KEPT, "last_inbound_at", "P11, P14"),
    Rule("conversations", Way.EMPTIED, TRACES_KEPT, "last_inbound_at", "P11"),
    Rule("inbound_messages", Way.EMPTIED, TRACES_KEPT, "received_at", "P11, P26"),
    Rule("outbound_messages", Way.WORDS, None, "created_at", "P11"),
    Rule("escalations", Way.TRACE, TRACES_KEPT, "waiting_since", "P11: waits are measured without content"),
    Rule("conversation_actions", Way.TRACE, TRACES_KEPT, "at", "P11: logs without content"),
    Rule("conversation_notes", Way.WORDS, None, "at", "P11: notes are words about a person"),
    Rule("drafts", Way.WORDS, None, "updated_at", "P11: what was typed and not sent"),
    Rule(
        "reports", Way.WORDS, REPORTS_KEPT, "touched_at", "P11: a day, or as long as the words once it was given to us"
    ),
    Rule("paper_links", Way.WITH_OWNER, None, "", "end with their report"),
    Rule("follow_ups", Way.WORDS, None, "due_at", "P11: nobody who left is written to"),
    Rule("assignments", Way.TRACE, TRACES_KEPT, "claimed_at", "P11: who held what, without content"),
    Rule("dispositions", Way.TRACE, TRACES_KEPT, "at", "P11: coded outcomes, without content"),
    Rule("help_calls", Way.TRACE, TRACES_KEPT, "at", "P11: logs without content"),
    Rule("safeguarding_holds", Way.TRACE, TRACES_KEPT, "until", "GDPR 17(3), P12, P21"),
    Rule("decisions", Way.TRACE, TRACES_KEPT, "asked_at", "P20, P21: what two people decided, without content"),
    Rule("debriefs", Way.AGE, 90 * DAY, "asked_at", "volunteers' own words, sealed: a season of supervision"),
    Rule("console_choices", Way.WITH_OWNER, None, "", "end with their volunteer"),
    Rule("reveal_requests", Way.AGE, TRACES_KEPT, "asked_at", "P14: who saw an address stays known for 12 months"),
    Rule("blocks", Way.AGE, 30 * DAY, "until", "minimisation: a decision that ended says nothing any more"),
    Rule("early_receipts", Way.AGE, 7 * DAY, "received_at", "provider ids without a message of ours"),
    Rule("provider_deletions", Way.AGE, 30 * DAY, "due_at", "P15: proof of best effort"),
    Rule("seen_deliveries", Way.AGE, 400 * DAY, "at", "replays of old signed requests; a hash, nobody's data"),
    Rule("sign_in_failures", Way.AGE, DAY, "at", "throttling looks back a quarter of an hour"),
    Rule("console_sessions", Way.AGE, timedelta(0), "expires_at", "P17"),
    Rule("audit_log", Way.CHAINED, TRACES_KEPT, "at", "P17, P11: 12 months"),
    Rule("volunteers", Way.AGE, TRACES_KEPT, "seen_at", "volunteers' own data, 12 months after they left"),
    Rule("shift_changes", Way.AGE, TRACES_KEPT, "end", "volunteers' own data: the rota of the past year"),
    Rule("rota", Way.NOBODY, None, "", "the weekly pattern, changed by supervisors"),
    Rule("closures", Way.NOBODY, None, "", "when the team was closed"),
    Rule("phrases", Way.NOBODY, None, "", "the team's own phrases"),
    Rule("accounts", Way.FORGOTTEN, TRACES_KEPT, "disabled_at", "volunteers' own data, 12 months after they left"),
    Rule("recovery_codes", Way.WITH_OWNER, None, "", "end with their account"),
    Rule(
        "retractions", Way.AGE, 7 * DAY, "asked_at", "provider ids of messages deleted on the phone, or past deleting"
    ),
    Rule("delivery_alerts", Way.TRACE, TRACES_KEPT, "at", "P11: that somebody was not reached, without content"),
    Rule("rate_buckets", Way.AGE, HOUR, "full_at", "a bucket that is full again says nothing"),
    Rule("feedback", Way.NOBODY, None, "", "a day, a topic and a tap: nobody's data"),
    Rule("daily_counts", Way.NOBODY, None, "", "P11: aggregate, shown only from ten up"),
    Rule("leases", Way.NOBODY, None, "", "which process does what"),
)
BY_TABLE = {rule.table: rule for rule in RULES}
SHOWN_FROM = 10
"""The smallest count that is shown: fewer could be somebody (P11)."""


def words_end(risk: RiskLevel, last_inbound_at: datetime, *, is_held: bool) -> datetime:
    """When the words of a conversation go. `is_held`: it waits for somebody or is with a volunteer, so it has not ended."""
    ended = last_inbound_at + (WAITING_KEPT if is_held else SESSION_GAP)
    return ended + WORDS_KEPT[risk]
