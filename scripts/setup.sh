#!/usr/bin/env bash
# Sets up both environments: .venv (the gateway) and engine/.venv (Rasa). Reuses what is there; says in one line what is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
stamp=var/setup

say() { printf '\033[1m%s\033[0m\n' "→ $*"; }
die() { printf '%s\n' "relais: $*" >&2; exit 2; }

is_python() { # is_python COMMAND MAJOR.MINOR-OR-NEWER exact|newer
  [ -n "$1" ] && "$1" -c "import sys, venv; v = sys.version_info[:2]; w = tuple(map(int, '$2'.split('.'))); sys.exit(not (v == w if '$3' == 'exact' else v >= w))" 2>/dev/null
}

find_uv() {
  if command -v uv >/dev/null && uv --version >/dev/null 2>&1; then UV=uv; return; fi
  if [ ! -x var/tools/bin/uv ]; then
    say "Fetching uv from PyPI"
    local python=""
    for candidate in "${PYTHON:-}" python3 python3.13 python3.12 python3.11; do
      if is_python "$candidate" 3.11 newer; then python=$candidate; break; fi
    done
    [ -n "$python" ] || die "Python 3.11 or newer is missing: install it (Debian: apt-get install python3 python3-venv), or set PYTHON=/path/to/python"
    "$python" -m venv var/tools || die "python3-venv is missing: apt-get install python3-venv"
    var/tools/bin/pip install --quiet uv || die "uv could not be fetched from PyPI: install it by hand (pip install uv)"
  fi
  UV=var/tools/bin/uv
}

find_gateway_python() {
  for candidate in "${PYTHON:-}" python3 python3.13 python3.12 python3.11 "$HOME"/.pyenv/versions/3.1[1-9]*/bin/python; do
    if is_python "$candidate" 3.11 newer; then GATEWAY_PYTHON=$candidate; return; fi
  done
  GATEWAY_PYTHON=3.11 # uv fetches one
}

find_engine_python() {
  # A dead pyenv shim answers to its name and fails when run: every candidate is run, not only found.
  for candidate in "${ENGINE_PYTHON:-}" python3.10 "$HOME"/.pyenv/versions/3.10*/bin/python "$HOME"/.asdf/installs/python/3.10*/bin/python \
    "$HOME"/.local/share/mise/installs/python/3.10*/bin/python "${CONDA_PREFIX:-}/envs/py310/bin/python" /opt/homebrew/bin/python3.10 /usr/local/bin/python3.10; do
    if is_python "$candidate" 3.10 exact; then ENGINE_PYTHON=$candidate; return; fi
  done
  if found=$("$UV" python find --no-project '>=3.10,<3.11' 2>/dev/null) && is_python "$found" 3.10 exact; then ENGINE_PYTHON=$found; return; fi
  say "No Python 3.10 on this machine; asking uv to fetch one"
  if "$UV" python install --quiet 3.10 2>/dev/null && found=$("$UV" python find --no-project '>=3.10,<3.11' 2>/dev/null); then ENGINE_PYTHON=$found; return; fi
  die "the engine needs Python 3.10 and none could be found or fetched: install one (pyenv install 3.10, or conda create -n py310 python=3.10) and set ENGINE_PYTHON=/path/to/python3.10"
}

mkdir -p var
locks=$(cat pyproject.toml uv.lock engine/pyproject.toml engine/uv.lock scripts/setup.sh | cksum)
if [ -x .venv/bin/bot ] && [ -x engine/.venv/bin/rasa ] && [ "$(cat $stamp 2>/dev/null || true)" = "$locks" ]; then exit 0; fi

find_uv
find_gateway_python
say "Gateway environment (.venv)"
"$UV" sync --quiet --frozen --python "$GATEWAY_PYTHON" || die "the gateway environment could not be built: is PyPI reachable?"
find_engine_python
say "Engine environment (engine/.venv, Rasa 3.6.21 on Python 3.10; about 1.6 GB the first time)"
"$UV" sync --quiet --frozen --project engine --python "$ENGINE_PYTHON" || die "the engine environment could not be built: is PyPI reachable, and is there 3 GB of disk?"
printf '%s' "$locks" > $stamp
