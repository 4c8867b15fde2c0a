"""Headers of every console page: nothing inline, nothing from elsewhere, framed by nobody, kept by no cache."""

from __future__ import annotations

from starlette.types import Message

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "media-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS: dict[bytes, bytes] = {
    b"content-security-policy": CONTENT_SECURITY_POLICY.encode(),
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": (
        b"camera=(), microphone=(), geolocation=(), payment=(), usb=(), display-capture=(), "
        b"browsing-topics=(), interest-cohort=()"
    ),
    # Other sites learn nothing; our own forms keep their Origin, which `no-referrer` would turn into `null`.
    b"referrer-policy": b"same-origin",
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"x-robots-tag": b"noindex, nofollow",
}
NO_STORE = b"no-store"
TRANSPORT = b"max-age=31536000; includeSubDomains"


def protect(message: Message, *, is_secure: bool, may_be_kept: bool) -> None:
    """Put the headers on a response that starts; nothing a page sets itself weakens them."""
    fixed = dict(HEADERS)
    if not may_be_kept:
        fixed[b"cache-control"] = NO_STORE
    if is_secure:
        fixed[b"strict-transport-security"] = TRANSPORT
    kept = [(name, value) for name, value in message["headers"] if name.lower() not in fixed]
    message["headers"] = [*kept, *fixed.items()]
