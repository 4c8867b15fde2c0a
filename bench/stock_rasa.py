"""Stock Rasa for bench.versus_rasa, inside the engine's environment: default configuration, Rasa's own connectors, our data.

`python bench/stock_rasa.py train FOLDER EPOCHS` trains, `python bench/stock_rasa.py run FOLDER PORT TELEGRAM_URL TWILIO_URL` runs.
Speed does not depend on how many epochs were trained, so that few are enough to measure it. Runs on Python 3.10.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TOKEN = "123456:test-token-of-the-fake-server"
ACCOUNT, SECRET, SENDER = "AC00000000000000000000000000000000", "12345678901234567890123456789012", "+15005550006"


def config(epochs: int) -> dict[str, Any]:
    """Rasa's default configuration as it ships, with these epochs."""
    import rasa.engine.recipes
    import yaml

    shipped = Path(rasa.engine.recipes.__file__).parent / "config_files" / "default_config.yml"
    value: dict[str, Any] = yaml.safe_load(shipped.read_text("utf-8"))
    for part in (*value["pipeline"], *value["policies"]):
        if "epochs" in part:
            part["epochs"] = epochs
    value.update(language="fr", assistant_id="stock")
    return value


def domain() -> dict[str, Any]:
    """Our domain with one plain French answer to every action: stock knows neither our variations nor our gateway."""
    import yaml

    value: dict[str, Any] = yaml.safe_load((ROOT / "domain.yml").read_text("utf-8"))
    words: dict[str, str] = {"utter_default": "Je n'ai pas bien compris. Tu peux me le dire autrement ?"}
    for path in (ROOT / "stories").glob("*.yml"):
        words |= dict.fromkeys(re.findall(r"action: (utter_\w+)", path.read_text("utf-8")), words["utter_default"])
    for path in (ROOT / "responses").glob("*.yml"):
        for name, variations in yaml.safe_load(path.read_text("utf-8"))["responses"].items():
            words[name] = next((one["text"] for one in variations if one.get("text")), words["utter_default"])
    value["responses"] = {name: [{"text": re.sub(r"\{\w+\}", "3018", text)}] for name, text in words.items()}
    return value


def train(folder: Path, epochs: int) -> None:
    """Train with our domain, words, rules and messages."""
    import rasa.__main__
    import yaml

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yml").write_text(yaml.safe_dump(config(epochs)), "utf-8")
    data = folder / "data"
    shutil.rmtree(data, ignore_errors=True)
    (folder / "domain.yml").write_text(yaml.safe_dump(domain(), allow_unicode=True), "utf-8")
    for name in ("nlu", "stories"):
        shutil.copytree(ROOT / name, data / name)
    sys.argv = [
        *("rasa", "train", "--data", str(data), "--domain", str(folder / "domain.yml")),
        *("--config", str(folder / "config.yml"), "--out", str(folder / "models"), "--fixed-model-name", "stock"),
    ]
    rasa.__main__.main()


def run(folder: Path, port: str, telegram_url: str, twilio_url: str) -> None:
    """`rasa run` with both connectors, the fakes' addresses as their providers'; trackers in SQLite, as kept for real."""
    import aiogram.bot.base
    import twilio.rest
    import yaml
    from aiogram.bot.api import TelegramAPIServer
    from rasa.core.channels.telegram import TelegramOutput

    server = TelegramAPIServer.from_base(telegram_url)
    initial = aiogram.bot.base.BaseBot.__init__

    def at_the_fake(self: Any, *arguments: Any, **options: Any) -> None:
        initial(self, *arguments, **{**options, "server": server, "validate_token": False})

    async def without_a_call(_self: Any, **_options: Any) -> bool:
        return True

    aiogram.bot.base.BaseBot.__init__ = at_the_fake
    # As shipped, the connector registers its webhook in an event loop of its own, and every later call fails: "Event loop is
    # closed". Not registering spares stock that fault; nothing registered is needed here.
    TelegramOutput.set_webhook = without_a_call
    first = twilio.rest.Client.__init__

    def client_at_the_fake(self: Any, *arguments: Any, **options: Any) -> None:
        first(self, *arguments, **options)
        self.api.base_url = twilio_url

    twilio.rest.Client.__init__ = client_at_the_fake
    credentials = {
        "telegram": {"access_token": TOKEN, "verify": "relais_bot", "webhook_url": f"http://127.0.0.1:{port}/x"},
        "twilio": {"account_sid": ACCOUNT, "auth_token": SECRET, "twilio_number": f"whatsapp:{SENDER}"},
    }
    store = {"type": "SQL", "dialect": "sqlite", "db": str(folder / "trackers.db")}
    (folder / "credentials.yml").write_text(yaml.safe_dump(credentials), "utf-8")
    (folder / "endpoints.yml").write_text(yaml.safe_dump({"tracker_store": store}), "utf-8")
    sys.argv = [
        *("rasa", "run", "--model", str(folder / "models"), "--interface", "127.0.0.1", "--port", port),
        *("--credentials", str(folder / "credentials.yml"), "--endpoints", str(folder / "endpoints.yml")),
    ]
    import rasa.__main__

    rasa.__main__.main()


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["RASA_TELEMETRY_ENABLED"] = "false"
    os.environ.setdefault("LOG_LEVEL", "ERROR")
    command, folder, *rest = sys.argv[1:]
    if command == "train":
        train(Path(folder), int(rest[0]))
    else:
        run(Path(folder), rest[0], rest[1], rest[2])
