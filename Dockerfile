# Two targets, two environments: `gateway` faces the providers, `engine` only the gateway's private network.
# Both run as a user without rights and write nowhere but /tmp and var/, so a read-only root is enough (compose.yaml).
# docker build --target gateway -t relais-gateway . && docker build --target engine -t relais-engine .
FROM python:3.11-slim-bookworm AS gateway-build
RUN pip install --no-cache-dir uv==0.13.8
WORKDIR /relais
COPY pyproject.toml uv.lock README.md LICENSE ./
COPY bot bot
RUN uv sync --frozen --no-dev --python /usr/local/bin/python3.11
COPY nlu nlu
COPY responses responses
COPY directory directory
RUN .venv/bin/python -m bot.training

FROM python:3.11-slim-bookworm AS gateway
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin relais && install -d -o relais -m 0700 /relais/var
COPY --from=gateway-build --chown=root:root /relais /relais
WORKDIR /relais
USER 10001
ENV PYTHONDONTWRITEBYTECODE=1 HOST=0.0.0.0 LOG_FORMAT=json PYTHONUNBUFFERED=1
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["/relais/.venv/bin/python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=3)"]
CMD ["/relais/.venv/bin/bot", "serve"]

FROM python:3.10-slim-bookworm AS engine
RUN pip install --no-cache-dir uv==0.13.8 && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin relais
WORKDIR /relais
COPY engine engine
RUN uv sync --frozen --project engine --python /usr/local/bin/python3.10
COPY bot bot
COPY nlu nlu
COPY stories stories
COPY responses responses
COPY domain.yml config.yml ./
ENV TF_CPP_MIN_LOG_LEVEL=3 RASA_TELEMETRY_ENABLED=false PYTHONPATH=/relais
RUN mkdir models && engine/.venv/bin/python -m engine.quick train --force --skip-validation --data nlu stories responses --domain domain.yml --config config.yml --out models
# Rasa makes its scratch files there; nothing else is writable.
ENV PYTHONDONTWRITEBYTECODE=1 HOME=/tmp MPLCONFIGDIR=/tmp
USER 10001
EXPOSE 5005
CMD ["engine/.venv/bin/python", "-m", "engine", "--host", "0.0.0.0", "--port", "5005"]
