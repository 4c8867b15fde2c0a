"""What each intent means for safety: its usual risk and the danger it speaks of (`spec`: understanding)."""

from __future__ import annotations

from collections.abc import Mapping

from bot.domain.risk import Danger, RiskLevel

DANGER_OF_INTENT: Mapping[str, Danger] = {
    "suicidal_ideation": Danger.SUICIDE,
    "self_harm": Danger.SELF_HARM,
    "disclose_violence_home": Danger.VIOLENCE_HOME,
    "disclose_sexual_violence": Danger.SEXUAL_VIOLENCE,
    "report_sextortion": Danger.SEXTORTION,
    "report_grooming": Danger.GROOMING,
    "report_threats": Danger.THREATS,
    "eating_disorder": Danger.EATING,
    "substance_use": Danger.SUBSTANCE,
    "worried_about_someone": Danger.WORRIED,
}
THEME_OF_INTENT: Mapping[str, str] = {
    "report_cyberbullying": "harassment",
    "report_school_bullying": "harassment",
    "report_as_witness": "harassment",
    "report_hate": "hate",
    "report_account": "account",
    "substance_use": "substance",
    "distress_loneliness": "loneliness",
    "distress_family": "family",
    "distress_sleep": "sleep",
    "identity_questioning": "identity",
    "ask_parent_advice": "parents",
}
"""The lines of the directory for suffering without danger; what is not here has those for distress."""
INTENT_OF_DANGER: Mapping[Danger, str] = {danger: intent for intent, danger in DANGER_OF_INTENT.items()} | {
    Danger.PURSUED: "report_threats"
}
HIGH_INTENTS = frozenset(
    {
        "suicidal_ideation",
        "self_harm",
        "emergency_now",
        "disclose_violence_home",
        "disclose_sexual_violence",
        "report_sextortion",
        "report_grooming",
        "report_threats",
        "eating_disorder",
        "worried_about_someone",
    }
)
"""Intents whose words obey the rules of high risk: a line around the clock and the offer of a person."""
CONCERN_INTENTS = frozenset(
    {
        "report_cyberbullying",
        "report_school_bullying",
        "report_hate",
        "report_account",
        "report_as_witness",
        "distress_low_mood",
        "distress_anxiety",
        "distress_loneliness",
        "distress_self_esteem",
        "distress_family",
        "distress_love_grief",
        "distress_sleep",
        "substance_use",
        "identity_questioning",
        "ask_parent_advice",
    }
)

CONTROLS = (
    "quick_exit",
    "start_over",
    "discreet",
    "change_country",
    "choose_settings",
    "request_human",
    "delete_my_data",
    "ask_menu",
    "exercise_stop",
    "paper_start",
    "paper_resume",
    "paper_erase",
)
"""What can be asked for by a single word, in any language, whatever the engine thinks of it (`utter_words_…`)."""


def usual_risk(intent: str) -> RiskLevel:
    """The risk a message of this intent usually has; none for intents we do not know."""
    if intent == "emergency_now":
        return RiskLevel.IMMINENT
    if intent in HIGH_INTENTS:
        return RiskLevel.HIGH
    return RiskLevel.CONCERN if intent in CONCERN_INTENTS else RiskLevel.NONE
