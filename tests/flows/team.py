"""Accounts for tests of the flows alone, as the door would bring them."""

from __future__ import annotations

from bot.domain.accounts import Account, Role

SAM = Account(1, "Sam", Role.VOLUNTEER, frozenset({"fr", "en"}), frozenset({"minors"}))
LINA = Account(2, "Lina", Role.VOLUNTEER, frozenset({"fr", "ar"}), frozenset())
NOUR = Account(3, "Nour", Role.SUPERVISOR, frozenset(), frozenset())
