#!/usr/bin/env bash
# Known vulnerabilities of both lock files, by pip-audit. Without its data it says so in one line and does not fail.
# What is known and accepted, with why it cannot be reached, stands in docs/security.md; nothing else may be ignored.
set -uo pipefail
cd "$(dirname "$0")/.."
mkdir -p var
uv=$(command -v uv || echo var/tools/bin/uv)
accepted=$(sed -n 's/^| `\(\(PYSEC\|CVE\|GHSA\)-[A-Za-z0-9-]*\)`.*/--ignore-vuln \1/p' docs/security.md)
status=0

audit() { # audit NAME PROJECT-FOLDER [options]
  local name=$1 folder=$2; shift 2
  if ! "$uv" export --quiet --frozen --project "$folder" --no-emit-project --no-dev --no-hashes > "var/$name.txt" 2> /dev/null; then
    echo "audit: $name: skipped, uv could not read its lock file"; return
  fi
  timeout 120 .venv/bin/pip-audit --requirement "var/$name.txt" --no-deps --disable-pip --progress-spinner off --timeout 10 \
    --format json --output "var/$name-audit.json" "$@" > "var/$name-audit.log" 2>&1
  .venv/bin/python - "$name" "var/$name-audit.json" <<'PYTHON' || status=1
import json, sys
name, path = sys.argv[1:]
try:
    found = json.load(open(path))["dependencies"]
except (OSError, ValueError, KeyError):
    print(f"audit: {name}: skipped, pip-audit's data cannot be reached")
    sys.exit(0)
read = [item for item in found if "vulns" in item]
if not read:
    print(f"audit: {name}: skipped, pip-audit's data cannot be reached")
    sys.exit(0)
wrong = [(item["name"], item["version"], vuln["id"]) for item in read for vuln in item["vulns"]]
for package, version, vulnerability in wrong:
    print(f"audit: {name}: {package} {version}: {vulnerability}: update it, or explain in docs/security.md why it cannot be reached")
print(f"audit: {name}: {len(read)} of {len(found)} packages looked up, {len(wrong)} unexplained")
sys.exit(1 if wrong else 0)
PYTHON
  rm -f "var/$name-audit.json"
}

audit gateway .
# shellcheck disable=SC2086 # one word each
audit engine engine $accepted
exit $status
