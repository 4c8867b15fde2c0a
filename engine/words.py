"""Chooses among the variations of a response in turn, so that nobody hears the same sentence twice and repeats are equal."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Dict, Optional

from rasa.core.nlg.generator import ResponseVariationFilter
from rasa.core.nlg.response import TemplatedNaturalLanguageGenerator
from rasa.shared.core.domain import Domain

said: ContextVar[Dict[str, int]] = ContextVar("said")
"""How often each response was said in the conversation being served."""


class RotatingWords(TemplatedNaturalLanguageGenerator):
    """Rasa's templated responses, with the first variation first rather than one at random."""

    def __init__(self, endpoint_config: Any = None, domain: Optional[Domain] = None) -> None:
        super().__init__(domain.responses if domain else {})

    def _random_response_for(
        self, utter_action: str, output_channel: str, filled_slots: Dict[str, Any]
    ) -> Optional[Dict[str, Any]]:
        variations = ResponseVariationFilter(self.responses).responses_for_utter_action(
            utter_action, output_channel, filled_slots
        )
        if not variations:
            return None
        counts = said.get()
        count = counts.get(utter_action, 0)
        counts[utter_action] = count + 1
        return variations[count % len(variations)]

    def _fill_response(
        self, response: Dict[str, Any], filled_slots: Optional[Dict[str, Any]] = None, **kwargs: Any
    ) -> Dict[str, Any]:
        """As it stands: the gateway fills in numbers and hours, and Rasa would log the slots of a text it cannot fill."""
        return response
