"""What each role may do: on routes, denied unless a rule allows it; on conversations, by who holds them.

Administrators manage accounts and read no conversation: who runs the machine is not who hears the children (P17).
"""

from __future__ import annotations

from bot.domain.accounts import Account, Role
from bot.domain.conversations import Mode

EVERYONE = frozenset(Role)
LISTENERS = frozenset({Role.VOLUNTEER, Role.SUPERVISOR})
SUPERVISORS = frozenset({Role.SUPERVISOR})
ADMINS = frozenset({Role.ADMIN})

PUBLIC = (
    "/healthz",
    "/readyz",
    "/metrics",
    "/webhooks/telegram",
    "/webhooks/whatsapp",
    "/simulator",
    "/papers",
    "/console/sign-in",
    "/console/static",
    "/console/account/static",
)
"""What answers without signing in: providers, who prove themselves by their signature, health, links, the door itself."""
ENROLMENT = ("/console/account/enrol", "/console/sign-out")
"""What answers before the second factor is set up, and nothing else does."""
ROUTES: tuple[tuple[str, frozenset[Role]], ...] = (
    ("/console", LISTENERS),
    ("/console/account", EVERYONE),
    ("/console/sign-out", EVERYONE),
    ("/console/accounts", ADMINS),
    ("/console/reveals", SUPERVISORS),
    ("/console/blocks", SUPERVISORS),
    ("/console/holds", SUPERVISORS),
    ("/console/board", SUPERVISORS),
    ("/console/letters", SUPERVISORS),
    ("/console/supervisor", SUPERVISORS),
    ("/console/reviews", SUPERVISORS),
    ("/console/rota", SUPERVISORS),
    ("/console/closures", SUPERVISORS),
    ("/console/phrases", SUPERVISORS),
)
"""Who may call what under a path; the longest path that fits decides, and without one nobody may."""


def is_public(path: str) -> bool:
    """Whether a path answers without signing in."""
    return any(_is_under(path, prefix) for prefix in PUBLIC)


def is_enrolment(path: str) -> bool:
    """Whether a path answers to somebody whose second factor is not set up yet."""
    return any(_is_under(path, prefix) for prefix in ENROLMENT)


def roles_for(path: str) -> frozenset[Role]:
    """The roles that may call a path; empty when no rule fits."""
    fitting = [(len(prefix), roles) for prefix, roles in ROUTES if _is_under(path, prefix)]
    return max(fitting, key=lambda found: found[0])[1] if fitting else frozenset()


def may_call(account: Account, path: str) -> bool:
    """Whether an account may call a path."""
    return account.role in roles_for(path)


def home_of(account: Account) -> str:
    """Where somebody lands after signing in."""
    return "/console/accounts" if account.role is Role.ADMIN else "/console"


def may_open(account: Account, mode: Mode, volunteer_id: int | None, *, is_queued: bool) -> bool:
    """Whether an account may read a conversation: its own, one in the queue, or any for a supervisor.

    Knowing or guessing an id opens nothing. `is_queued` says that an escalation is open; a conversation somebody else
    holds is theirs even while its escalation is open.
    """
    if account.role is Role.SUPERVISOR:
        return True
    if account.role is not Role.VOLUNTEER:
        return False
    if mode is Mode.VOLUNTEER:
        return volunteer_id == account.id
    return mode is Mode.WAITING or (is_queued and volunteer_id in (None, account.id))


def may_write(account: Account, mode: Mode, volunteer_id: int | None) -> bool:
    """Whether an account may speak in a conversation: only who holds it."""
    return account.role in LISTENERS and mode is Mode.VOLUNTEER and volunteer_id == account.id


def _is_under(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(prefix + "/")
