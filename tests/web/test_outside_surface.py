"""What strangers can send us, and what they get."""

from __future__ import annotations

import re

import pytest
import yaml
from starlette.datastructures import FormData
from twilio.request_validator import RequestValidator, compare

from bot.channels.whatsapp import is_signed
from bot.config import ROOT
from tests.end_to_end.gateway import running
from tests.wires import twilio
from tests.wires.telegram import text_update

URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
ONE = [
    ("CallSid", "CA1234567890ABCDE"),
    ("Caller", "+14158675309"),
    ("Digits", "1234"),
    ("From", "+14158675309"),
    ("To", "+18005551212"),
]
TWO = [("Sid", "CA123"), ("SidAccount", "AC123"), ("Digits", "5678"), ("Digits", "1234"), ("Digits", "1234")]


@pytest.mark.parametrize(
    ("fields", "signature"), [(ONE, "RSOYDt4T1cUTdK1PDd93/VVr8B8="), (TWO, "IK+Dwps556ElfBT0I3Rgjkr1wJU=")]
)
def test_twilio_s_published_signatures_are_accepted_and_nothing_else(
    fields: list[tuple[str, str]], signature: str
) -> None:
    """Twilio's own two vectors, repeated fields included; one changed letter anywhere is refused."""
    form = FormData([*fields])

    assert is_signed("12345", URL, form, signature)
    assert not is_signed("12346", URL, form, signature)
    assert not is_signed("12345", URL + "&x=1", form, signature)
    assert not is_signed("12345", URL, FormData([*fields, ("Body", "x")]), signature)
    assert not is_signed("12345", URL, form, signature.lower())
    assert compare(signature, RequestValidator("12345").compute_signature(URL, form))


async def test_a_signed_request_played_again_is_recognised(sqlite_url: str) -> None:
    """An old request copied from the wire changes nothing when it is sent again, even after everything was erased (P12)."""
    number = "+33600000041"
    async with running(sqlite_url) as gateway:
        old = twilio.inbound("SM1", number, "je suis triste")
        await gateway.form(old)
        await gateway.until(lambda: len(gateway.twilio.texts(number)) >= 4)
        await gateway.form(twilio.inbound("SM2", number, "supprime tout"))
        await gateway.until(lambda: "efface" in gateway.twilio.texts(number)[-1])
        await gateway.form(twilio.inbound("SM3", number, "1"))
        await gateway.until(lambda: "effacé" in gateway.twilio.texts(number)[-1])
        before = len(gateway.twilio.sent)
        again = await gateway.form(old)
        await gateway.form(twilio.inbound("SM4", "+33600000042", "j'ai avalé toute la boîte de médicaments"))
        await gateway.until(lambda: len(gateway.twilio.texts("+33600000042")) >= 3)
        counted = (await gateway.http.get(f"{gateway.url}/metrics")).text

    assert 200 == again.status_code
    assert before == len(gateway.twilio.texts(number))
    assert re.search(r'relais_inbound_total\{channel="whatsapp",kind="repeat"\} [1-9]', counted)


async def test_a_flood_is_kept_and_read_and_an_emergency_in_it_does_not_wait(sqlite_url: str) -> None:
    """Dozens of lines a minute are answered together; the one that speaks of danger is answered at once (R4)."""
    async with running(sqlite_url, quiet_window=0.0) as gateway:
        for number in range(1, 41):
            await gateway.update(text_update(number, 30, f"lol {number}"))
        calm = len(gateway.telegram.texts(30))
        await gateway.update(text_update(50, 30, "j'ai avalé toute la boîte de médicaments"))
        await gateway.until(lambda: any("114" in said for said in gateway.telegram.texts(30)))

    assert calm < 40 * 3


async def test_forgeries_fill_no_log_and_keep_nobody_out(sqlite_url: str, capfd: pytest.CaptureFixture[str]) -> None:
    """A hundred forged requests leave at most thirty lines a minute, and the signed one after them is served."""
    async with running(sqlite_url) as gateway:
        for number in range(100):
            await gateway.form(twilio.inbound(f"SM{number}", "+33600000043", "x"), signature="forged")
        answer = await gateway.form(twilio.inbound("SM1", "+33600000043", "j'ai avalé toute la boîte de médicaments"))
        await gateway.until(lambda: len(gateway.twilio.texts("+33600000043")) >= 3)
    captured = capfd.readouterr()

    assert 200 == answer.status_code
    assert 61 >= (captured.out + captured.err).count("webhook refused")


async def test_there_is_no_debug_endpoint(sqlite_url: str) -> None:
    """Errors say nothing about the inside, and no page of a framework is left open."""
    async with running(sqlite_url) as gateway:
        answers = [
            await gateway.http.get(f"{gateway.url}{path}")
            for path in ("/docs", "/openapi.json", "/debug", "/.env", "/simulator", "/console/../.env", "/static/x")
        ]

    assert {404} == {answer.status_code for answer in answers}
    assert not [answer for answer in answers if "Traceback" in answer.text]


COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))


def test_the_engine_is_unreachable_from_outside() -> None:
    """The compose file publishes no port of the engine or the database, and their network leads nowhere."""
    services = COMPOSE["services"]

    assert not [name for name in ("engine", "database", "worker", "migrate") if "ports" in services[name]]
    assert ["inside"] == services["engine"]["networks"]
    assert ["inside"] == services["database"]["networks"]
    assert COMPOSE["networks"]["inside"]["internal"]
    assert all(str(port).startswith("127.0.0.1:") for port in services["web"]["ports"])


def test_containers_can_do_as_little_as_possible() -> None:
    """Read-only root, no capability, no new privilege, not root, no secret in the file."""
    for name, service in COMPOSE["services"].items():
        assert service["read_only"], name
        assert ["ALL"] == service["cap_drop"], name
        assert ["no-new-privileges:true"] == service["security_opt"], name
    text = (ROOT / "compose.yaml").read_text("utf-8")

    assert not re.search(r"(PASSWORD|TOKEN|SECRET_KEYS): *['\"]?[A-Za-z0-9]", text)


def test_images_do_not_run_as_root() -> None:
    """Both targets of the Dockerfile end as a user without rights, from pinned bases."""
    text = (ROOT / "Dockerfile").read_text("utf-8")
    targets = [part for part in re.split(r"^FROM ", text, flags=re.MULTILINE)[1:] if "CMD" in part]

    assert 2 == len(targets)
    assert all(re.search(r"^USER (?!root|0)", part, re.MULTILINE) for part in targets)
    assert ":latest" not in text
    assert not re.search(r"^ADD |curl .*\| *sh", text, re.MULTILINE)
