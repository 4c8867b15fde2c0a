"""Reading request bodies: bounded in size, and refused in one line when they are not what was expected."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

MAX_BODY = 256 * 1024
MAX_DIGITS = 20
TOO_LARGE, GONE_AWAY = 413, 408


async def read_body(request: Request, limit: int = MAX_BODY) -> bytes:
    """The whole body; 413 as soon as it passes `limit` bytes, whatever its declared length."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and (len(declared) > MAX_DIGITS or int(declared) > limit):
        raise HTTPException(TOO_LARGE, f"expected at most {limit} bytes")
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                raise HTTPException(TOO_LARGE, f"expected at most {limit} bytes")
    except ClientDisconnect:
        # Nobody hears this; it is no fault of ours, and must not fill the log with traces.
        raise HTTPException(GONE_AWAY, "expected the whole body") from None
    return bytes(body)


async def read_form(request: Request, limit: int) -> dict[str, str]:
    """The fields of an urlencoded form, the last of each name; empty when it is something else."""
    body = await read_body(request, limit)
    if not request.headers.get("content-type", "").lower().startswith("application/x-www-form-urlencoded"):
        return {}
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
