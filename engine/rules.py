"""Rasa's rules, found by index: the same answers as RulePolicy, without walking every rule at every step."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Optional, Set, Tuple

from rasa.core.policies.rule_policy import RulePolicy
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.shared.core.domain import State

Door = Tuple[Optional[str], Optional[str]]


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT, is_trainable=True)
class IndexedRulePolicy(RulePolicy):
    """Looks only at the rules whose last state has the action and the intent of the conversation's last state.

    RulePolicy reads the JSON of every rule at every prediction, and its cache holds 1,000 of them: with more, each turn
    parses them all again. Rules that say nothing of the action or the intent are looked at every time, as before.
    """

    _doors: Optional[Tuple[int, int, Dict[Door, List[str]]]] = None

    def _get_possible_keys(self, lookup: Dict[str, str], states: List[State]) -> Set[str]:
        doors = self._doors_of(lookup)
        action, intent = _door(states[-1]) if states else (None, None)
        wanted = {(action, intent), (action, None), (None, intent), (None, None)}
        near = {key: lookup[key] for door in wanted for key in doors.get(door, ())}
        return super()._get_possible_keys(near, states)

    def _doors_of(self, lookup: Dict[str, str]) -> Dict[Door, List[str]]:
        if self._doors is None or self._doors[:2] != (id(lookup), len(lookup)):
            doors: Dict[Door, List[str]] = {}
            for key in lookup:
                doors.setdefault(_door(json.loads(key)[-1]), []).append(key)
            self._doors = (id(lookup), len(lookup), doors)
        return self._doors[2]


def _door(state: Any) -> Door:
    action = state.get("prev_action", {}).get("action_name")
    intent = state.get("user", {}).get("intent")
    return action, intent
