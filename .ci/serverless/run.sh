#!/usr/bin/env bash
# Runs the serverless forms of gted: in the emulators of Lambda and in containers, and checks the
# files that put it there.
#
# GTED_BIN names the program. What cannot be installed here is named as NOT RUN, and is not a
# failure.
set -uo pipefail
export GTED_BIN
GTED_BIN=$(realpath "${GTED_BIN:?the program gted}") || exit 1
cd "$(dirname "$0")" || exit 1
export PYTHONDONTWRITEBYTECODE=1

step() { printf '\n-- %s\n' "$*"; }

cache=${GTE_SERVERLESS_CACHE:-$HOME/.cache/gte-serverless}
if ! command -v aws >/dev/null || ! python3 -c 'import yaml' 2>/dev/null; then
    # Without them, the checks that need them are named as NOT RUN.
    tools=$cache/tools
    if [ ! -e "$tools/complete" ]; then
        mkdir -p "$cache" && rm -rf "$tools" && python3 -m venv --system-site-packages "$tools" &&
            timeout 300 "$tools/bin/python" -m pip install --quiet --no-input --only-binary :all: \
                --disable-pip-version-check awscli==1.45.11 PyYAML==6.0.3 &&
            touch "$tools/complete"
    fi >/dev/null 2>&1
    [ ! -e "$tools/complete" ] || PATH=$tools/bin:$PATH
fi

failed=0
timeout --kill-after 30 900 ./lambda.sh || failed=1

step "containers"
timeout --signal INT --kill-after 30 300 ./test_container.py || failed=1

step "files to deploy"
timeout --kill-after 30 120 ./test_deploy.py || failed=1
timeout --kill-after 30 120 ./aws_commands.py || failed=1

exit "$failed"
