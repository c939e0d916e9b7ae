#!/usr/bin/env bash
# Drives the page of gted in headless Chromium. GTED_BIN names the program. The library of the
# browser's protocol is installed once, into GTE_CLIENTS_CACHE (by default ~/.cache/gte-clients).
set -euo pipefail
GTED_BIN=$(realpath "${GTED_BIN:?the program gted}")
export GTED_BIN
cd "$(dirname "$0")"
cache=${GTE_CLIENTS_CACHE:-$HOME/.cache/gte-clients}

not_run() {
    echo "NOT RUN: the page in a browser, $*"
    exit 0
}

command -v node >/dev/null && command -v npm >/dev/null || not_run "no node with npm"
CHROMIUM=$(command -v chromium || command -v chromium-browser) || not_run "no chromium"
export CHROMIUM PAGE=$PWD/../../daemon/assets/page.html
modules=$cache/page-$({ node --version && cat package-lock.json; } | sha256sum | cut -c1-16)
if [ ! -e "$modules/complete" ]; then
    rm -rf "$modules"
    mkdir -p "$modules"
    cp package.json package-lock.json "$modules"
    timeout 300 npm ci --prefix "$modules" --ignore-scripts --no-audit --no-fund \
        --fetch-retries=1 --fetch-timeout=20000 >"$modules/log" 2>&1 ||
        not_run "its library cannot be installed: $(grep -m 1 'npm error' "$modules/log")"
    touch "$modules/complete"
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp page.test.mjs "$work"
ln -s "$modules/node_modules" "$work/node_modules"
timeout --kill-after 10 300 node --test --test-reporter=spec "$work/page.test.mjs"
