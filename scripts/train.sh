#!/usr/bin/env bash
# Trains what is stale: the gateway's safety triage, then the engine's model. Stale means that its inputs changed since.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p models var
export TF_CPP_MIN_LOG_LEVEL=3 RASA_TELEMETRY_ENABLED=false PYTHONPATH=$PWD

# Two models, two cores: the triage is trained beside the engine.
.venv/bin/python -m bot.training &
triage=$!

inputs=$(find nlu stories responses domain.yml config.yml engine/*.py bot/domain/{normalise,spellings,sounds,ngrams}.py bot/fitting.py bot/hurry.py engine/uv.lock -type f ! -path 'nlu/risk/*' -print0 |
  LC_ALL=C sort -z | xargs -0 cat | cksum | tr ' ' '-')
if [ -f "models/engine-$inputs.tar.gz" ]; then wait "$triage"; exit; fi
printf '\033[1m→ Training the engine (about three minutes; log in var/train.log)\033[0m\n'
if ! engine/.venv/bin/python -m engine.quick train --force --skip-validation --data nlu stories responses --domain domain.yml --config config.yml \
  --out models --fixed-model-name "new" > var/train.log 2>&1; then
  printf 'relais: training failed; the last lines of var/train.log:\n' >&2
  tail -20 var/train.log >&2
  wait "$triage" || true
  exit 1
fi
find models -name 'engine-*.tar.gz' -delete
mv models/new.tar.gz "models/engine-$inputs.tar.gz"
wait "$triage"
