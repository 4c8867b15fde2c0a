"""Generated requests at every route: nothing a stranger or a volunteer's browser sends breaks the helpline."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from twilio.request_validator import RequestValidator

from bot.domain.accounts import Role
from bot.domain.permissions import is_public
from bot.store import sessions
from tests.people import COOKIE, ORIGIN, cookie_of, enrolled, settings_for, started
from tests.web.test_access import CHANNELS, walk

SECRET = {"X-Telegram-Bot-Api-Secret-Token": str(CHANNELS["telegram_webhook_secret"])}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE", "PROPFIND")
ascii_text = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40)
json_value = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
update = st.fixed_dictionaries(
    {"update_id": st.integers(-5, 2**63)},
    optional={
        "message": st.fixed_dictionaries(
            {},
            optional={
                "message_id": st.integers(0, 2**40) | json_value,
                "date": st.integers(-(2**40), 2**40) | json_value,
                "chat": st.fixed_dictionaries({}, optional={"id": json_value, "type": st.just("private") | json_value}),
                "text": st.text(max_size=200) | json_value,
                "from": json_value,
                "photo": json_value,
            },
        )
        | json_value,
        "callback_query": json_value,
        "my_chat_member": json_value,
        "edited_message": json_value,
    },
)
fields = st.dictionaries(
    st.sampled_from(["MessageSid", "From", "Body", "NumMedia", "MediaContentType0", "ButtonPayload", "MessageStatus"])
    | ascii_text,
    st.text(st.characters(exclude_categories=["Cs"]), max_size=120) | st.just("whatsapp:+33600000000"),
    max_size=6,
)
many = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


Helpline = tuple[Starlette, "Client", dict[str, str]]


class Client:
    """A browser outside asyncio, as hypothesis needs it."""

    def __init__(self, runner: asyncio.Runner, app: Starlette) -> None:
        self._runner = runner
        self._http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN)

    def request(self, method: str, path: str, **given: Any) -> httpx.Response:
        """Send and read the answer; an exception of the application is raised here."""
        return self._runner.run(self._http.request(method, path, **given))

    def close(self) -> None:
        """Close."""
        self._runner.run(self._http.aclose())


@pytest.fixture(scope="module")
def helpline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Helpline]:
    """One helpline for all that is thrown at it: what breaks it for one breaks it for the rest."""
    url = f"sqlite:///{tmp_path_factory.mktemp('fuzz') / 'fuzz.sqlite'}"
    with asyncio.Runner() as runner:
        context = started(settings_for(url, **CHANNELS), "web")
        app = runner.run(context.__aenter__())
        cookies = {"nobody": ""}
        for role in Role:
            account, _ = runner.run(enrolled(url, f"the {role}", role))
            cookies[role] = runner.run(cookie_of(url, account))
        cookies["enrolling"] = runner.run(cookie_of(url, account, sessions.ENROL))
        client = Client(runner, app)
        yield app, client, cookies
        client.close()
        runner.run(context.__aexit__(None, None, None))


@many
@given(data=st.data())
def test_any_request_to_any_route_gets_a_plain_answer(helpline: Helpline, data: st.DataObject) -> None:
    """No method, body, header or cookie at any route is a fault of ours, and none opens what is closed."""
    app, client, cookies = helpline
    _, path = data.draw(st.sampled_from(walk(list(app.router.routes))))
    method, who = data.draw(st.sampled_from(METHODS)), data.draw(st.sampled_from(sorted(cookies)))
    headers = data.draw(
        st.dictionaries(
            st.sampled_from(
                ["content-type", "accept", "x-csrf-token", "origin", "content-length-x", "hx-request", "cookie2"]
            ),
            ascii_text
            | st.sampled_from(["application/json", "application/x-www-form-urlencoded", "multipart/form-data"]),
            max_size=4,
        )
    )
    if cookies[who]:
        headers["cookie"] = f"{COOKIE}={cookies[who]}"
    suffix = data.draw(st.sampled_from(["", "/", "/../x", "%2e%2e", "?q=1", "//", "%00"]))
    body = data.draw(st.binary(max_size=300))
    answer = client.request(method, path + suffix, content=body, headers=headers)

    assert answer.status_code < 500 or (path == "/readyz" and answer.status_code == 503)
    assert "Traceback" not in answer.text
    if who == "nobody" and not is_public(path) and method not in ("GET", "HEAD", "OPTIONS"):
        assert answer.status_code in (401, 403, 404, 405)


@many
@given(body=update | json_value)
def test_any_update_is_taken_or_refused(helpline: Helpline, body: object) -> None:
    """Telegram may change what it sends; whatever comes, the webhook says 200 or 400 and lives on."""
    _, client, _ = helpline
    answer = client.request("POST", "/webhooks/telegram", content=json.dumps(body), headers=SECRET)

    assert answer.status_code in (200, 400)


@many
@given(form=fields, status=st.booleans())
def test_any_signed_form_is_taken_or_refused(helpline: Helpline, form: dict[str, str], status: bool) -> None:
    """Twilio may add parameters at any time; whatever is signed is taken or refused, never a fault."""
    _, client, _ = helpline
    path = "/webhooks/whatsapp/status" if status else "/webhooks/whatsapp"
    signer = RequestValidator(str(CHANNELS["twilio_auth_token"]))
    signature = signer.compute_signature(ORIGIN + path, {name: value for name, value in form.items() if value})
    answer = client.request("POST", path, data=form, headers={"X-Twilio-Signature": signature})

    assert answer.status_code in (200, 204, 400, 403)


@many
@given(name=st.text(max_size=80), password=st.text(max_size=80), code=st.text(max_size=30))
def test_any_words_at_the_door_are_refused(helpline: Helpline, name: str, password: str, code: str) -> None:
    """No name, password or code that was made up opens the door or breaks it."""
    _, client, _ = helpline
    form = {"name": name.encode("utf-8", "replace"), "password": password.encode("utf-8", "replace")}
    answer = client.request("POST", "/console/sign-in", data={**form, "code": code.encode("utf-8", "replace")})

    assert answer.status_code in (401, 429)
    assert COOKIE not in answer.cookies


@many
@given(name=st.sampled_from([COOKIE, "console_language"]) | ascii_text, value=st.binary(max_size=200) | ascii_text)
def test_any_cookie_opens_nothing(helpline: Helpline, name: str, value: bytes | str) -> None:
    """A cookie that was made up, whatever its name and bytes, is nobody's session and no fault of ours."""
    _, client, _ = helpline
    raw = value.encode("ascii") if isinstance(value, str) else value
    cookie = name.encode("ascii") + b"=" + raw.replace(b"\r", b"").replace(b"\n", b"").replace(b"\0", b"")
    answer = client.request("GET", "/console/queue", headers={b"cookie": cookie})

    assert answer.status_code in (303, 401)
