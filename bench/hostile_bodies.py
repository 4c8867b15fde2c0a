"""Bodies nobody means well with: oversize, lying about their length, deep, repeated, not text. Signed, so that they get in."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from urllib.parse import parse_qsl

from starlette.datastructures import FormData
from twilio.request_validator import RequestValidator

from tests.wires import twilio

TELEGRAM, WHATSAPP, STATUS = "/webhooks/telegram", "/webhooks/whatsapp", "/webhooks/whatsapp/status"
FORM = "application/x-www-form-urlencoded"
ROOM = 250_000
"""As much as fits below the limit of a body."""
_MESSAGE = b'{"update_id": 5, "message": {"message_id": 5, "date": 1795000000, "chat": {"id": 77, "type": "private"}, "text": %s}}'


@dataclass(frozen=True, slots=True)
class Hostile:
    """A request: where to, what, and how its length is told (`length` None: chunked)."""

    name: str
    path: str
    body: bytes
    length: int | None = -1
    is_signed: bool = True

    def wire(self, secret: str, public_url: str) -> Iterator[bytes]:
        """The request as it goes over the wire."""
        kind = "application/json" if self.path == TELEGRAM else FORM
        head = [f"POST {self.path} HTTP/1.1", "Host: x", f"Content-Type: {kind}", "Connection: close"]
        if self.path == TELEGRAM:
            head.append(f"X-Telegram-Bot-Api-Secret-Token: {secret}")
        else:
            head.append(f"X-Twilio-Signature: {self._signature(public_url)}")
        # Each a message of its own: what was delivered before is not read again.
        body = self.body.replace(b'"update_id": 5,', b'"update_id": %d,' % zlib.crc32(self.name.encode()))
        if self.length is None:
            yield "\r\n".join([*head, "Transfer-Encoding: chunked", "", ""]).encode()
            for start in range(0, len(body), 1000):
                chunk = body[start : start + 1000]
                yield f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n"
            return
        length = len(body) if self.length < 0 else self.length
        yield "\r\n".join([*head, f"Content-Length: {length}", "", ""]).encode()
        yield body

    def _signature(self, public_url: str) -> str:
        if not self.is_signed or len(self.body) > ROOM:
            return "A" * 27 + "="
        fields: dict[str, set[str]] = {}
        for name, value in parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True):
            fields.setdefault(name, set()).add(value)
        # What the SDK signs, flattened here because it looks every name up in the whole form again.
        pairs = [(name, "".join(sorted(values))) for name, values in sorted(fields.items())]
        text = public_url + self.path + "".join(name + value for name, value in pairs)
        return str(RequestValidator(twilio.TOKEN).compute_signature(text, FormData()))


def _names(count: int) -> list[str]:
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    return ["".join(name) for name, _ in zip(product(letters, repeat=3), range(count), strict=False)]


HOSTILE = (
    Hostile("10 MB of JSON", TELEGRAM, b"[" + b"1," * 5_000_000 + b"1]"),
    Hostile("10 MB in chunks", TELEGRAM, b"x" * 10_000_000, None),
    Hostile("a length that lies (too long)", TELEGRAM, b"{}", 200_000),
    Hostile("a length that lies (too short)", TELEGRAM, _MESSAGE % b'"salut"', 10),
    Hostile("a length of 10^19", TELEGRAM, b"{}", 10**19),
    Hostile("arrays 125,000 deep", TELEGRAM, b"[" * 125_000 + b"]" * 125_000),
    Hostile("objects 40,000 deep in a message", TELEGRAM, _MESSAGE % (b'{"a":' * 40_000 + b"1" + b"}" * 40_000)),
    Hostile("a number of 100,000 digits", TELEGRAM, _MESSAGE % (b"9" * 100_000)),
    Hostile("an update_id of 4,000 digits", TELEGRAM, b'{"update_id": %s, "message": {}}' % (b"9" * 4000)),
    Hostile("one key 30,000 times", TELEGRAM, b"{" + b'"text":1,' * 27_000 + b'"update_id":1}'),
    Hostile(
        "a message id of 4,000 digits",
        TELEGRAM,
        (_MESSAGE % b'"x"').replace(b'_id": 5,', b'_id": ' + b"9" * 4000 + b","),
    ),
    Hostile("invalid UTF-8", TELEGRAM, _MESSAGE % b'"\xff\xfe\xc3"'),
    Hostile("NUL and half a character", TELEGRAM, _MESSAGE % rb'"a\u0000b\ud800c\udfff"'),
    Hostile("250,000 letters", TELEGRAM, _MESSAGE % (b'"' + b"a" * (ROOM - 200) + b'"')),
    Hostile("80,000 sentences", TELEGRAM, (_MESSAGE % (b'"' + b"a. " * 80_000 + b'"')).replace(b"77", b"79")),
    Hostile("30,000 letters and accents, alternating", TELEGRAM, _MESSAGE % json.dumps("e\u0301" * 15_000).encode()),
    Hostile("20,000 exclamation marks and digits", TELEGRAM, _MESSAGE % json.dumps("a1!" * 10_000).encode()),
    Hostile("a form of 1,000,000 fields", WHATSAPP, b"a=1&" * 1_000_000),
    Hostile("a form of 60,000 different fields, signed", WHATSAPP, "&".join(_names(60_000)).encode()),
    Hostile("a form of 60,000 different fields, forged", WHATSAPP, "&".join(_names(60_000)).encode(), is_signed=False),
    Hostile("a form of one field 120,000 times", WHATSAPP, b"a&" * 120_000),
    Hostile("a form of ampersands", WHATSAPP, b"&" * ROOM),
    Hostile("a form of percent signs", WHATSAPP, b"Body=" + b"%" * ROOM),
    Hostile("a form that is not UTF-8", WHATSAPP, b"Body=%ff%ed%a0%80&MessageSid=SMx&From=whatsapp:%2B33600000000"),
    Hostile("a form with NUL", WHATSAPP, b"Body=%00&MessageSid=SM%00&From=whatsapp:%2B33600000000"),
    Hostile("a sid of 200,000 letters", WHATSAPP, b"Body=x&From=whatsapp:%2B33600000000&MessageSid=" + b"S" * 200_000),
    Hostile("a status with digits of another script", STATUS, b"MessageSid=SM1&MessageStatus=failed&ErrorCode=%C2%B2"),
)
