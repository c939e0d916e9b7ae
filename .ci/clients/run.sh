#!/usr/bin/env bash
# Runs clients of other projects, and schemathesis, against a gted of its own.
#
# GTED_BIN and GTE_BIN name the programs; GTE_BIN is by default the gte beside GTED_BIN. Packages
# are installed once, into GTE_CLIENTS_CACHE (by default ~/.cache/gte-clients). Clients that cannot
# be installed here are named as NOT RUN, and are not a failure.
set -uo pipefail
gted=$(realpath "${GTED_BIN:?the program gted}") || exit 1
cd "$(dirname "$0")" || exit 1
here=$PWD
cache=${GTE_CLIENTS_CACHE:-$HOME/.cache/gte-clients}
gte=$(realpath "${GTE_BIN:-$(dirname "$gted")/gte}")

not_run() { echo "NOT RUN: clients of other projects, $*"; }
step() { printf '\n-- %s\n' "$*"; }
reason() { grep -m 1 -E '^(ERROR|npm error)' "$cache/log" || head -n 1 "$cache/log"; }

key() { sha256sum | cut -c1-16; }

# Creates the virtual environment of a file of requirements, unless there is one; sets $venv.
make_venv() {
    local base
    base=$(python3 -c 'import sys; print(sys.version, sys.base_prefix)')
    venv=$cache/venv-$({ echo "$base" && cat "$1" constraints.txt; } | key)
    if [ ! -e "$venv/complete" ] || ! "$venv/bin/python" -c ''; then
        rm -rf "$venv"
        timeout 120 python3 -m venv "$venv" >"$cache/log" 2>&1 &&
            timeout 900 "$venv/bin/python" -m pip install --quiet --no-input --only-binary :all: \
                --disable-pip-version-check --retries 1 --timeout 20 \
                --requirement "$1" --constraint constraints.txt >"$cache/log" 2>&1 &&
            touch "$venv/complete"
    fi
    [ -e "$venv/complete" ] && touch "$venv"
}

# Installs the package of package-lock.json, unless it is there; sets $modules.
make_modules() {
    modules=$cache/node-$({ node --version && cat package.json package-lock.json; } | key)
    if [ ! -e "$modules/complete" ]; then
        rm -rf "$modules"
        mkdir "$modules" && cp package.json package-lock.json "$modules" &&
            timeout 300 npm ci --prefix "$modules" --ignore-scripts --no-audit --no-fund \
                --fetch-retries=1 --fetch-timeout=20000 >"$cache/log" 2>&1 &&
            touch "$modules/complete"
    fi
    [ -e "$modules/complete" ] && touch "$modules"
}

if ! python3 -m venv --help >/dev/null 2>&1; then
    not_run "no python3 with venv"
    exit 0
fi
mkdir -p "$cache"
exec 9>"$cache/lock"
flock --timeout 1200 9 || exit 1
find "$cache" -maxdepth 1 \( -name 'venv-*' -o -name 'node-*' \) -mtime +30 -exec rm -rf {} +
step "packages"
python='' schemathesis='' node=''
if make_venv requirements.txt; then
    python=$venv/bin/python
else
    not_run "Python's packages: $(reason)"
fi
if make_venv requirements-schemathesis.txt; then
    schemathesis=$venv/bin/st
else
    not_run "schemathesis: $(reason)"
fi
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    not_run "no node with npm"
elif make_modules; then
    node=node
else
    not_run "packages of Node: $(reason)"
fi
exec 9>&-

# A gted of its own: no settings, models or sockets of the user.
dir=$(mktemp -d)
pid=''
stop() {
    [ -n "$pid" ] || return 0
    kill -TERM "$pid" 2>/dev/null
    local deadline=$((SECONDS + 40)) status
    while kill -0 "$pid" 2>/dev/null; do
        [ "$SECONDS" -lt "$deadline" ] || kill -KILL "$pid"
        sleep 0.1
    done
    wait "$pid"
    status=$?
    pid=''
    return "$status"
}
trap 'stop; rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
for name in $(compgen -e | grep -E '^(GTE_|OPENAI_|HF_|HUGGING|TRANSFORMERS_|LANG(CHAIN|SMITH)_)'); do
    unset "$name"
done
unset FC_SERVER_PORT PORT AWS_LAMBDA_RUNTIME_API
export XDG_CONFIG_HOME=$dir XDG_DATA_HOME=$dir XDG_CACHE_HOME=$dir GTE_SOCKET=$dir/gted.sock GTE_BIN=$gte
# Clients keep nothing, and report to nobody. HF_HUB_OFFLINE would forbid requests to gted as well.
export HF_HOME=$dir HF_HUB_DISABLE_TELEMETRY=1 LANGSMITH_TRACING=false NO_PROXY=127.0.0.1
export no_proxy=127.0.0.1 PYTHONDONTWRITEBYTECODE=1 PYTEST_DISABLE_PLUGIN_AUTOLOAD=1

healthy() {
    (
        exec 3<>"/dev/tcp/127.0.0.1/$port" &&
            printf 'GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3 &&
            read -r -t 5 line <&3 && [[ $line == "HTTP/1.1 200"* ]]
    ) 2>/dev/null
}

step "gted"
for _ in 1 2 3; do # Another program may take the port before gted does.
    port=$(python3 -c 'from socket import *; s = socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    "$gted" serve --http "127.0.0.1:$port" --socket "$GTE_SOCKET" >"$dir/log" 2>&1 &
    pid=$!
    deadline=$((SECONDS + 60))
    until healthy || ! kill -0 "$pid" 2>/dev/null || [ "$SECONDS" -gt "$deadline" ]; do
        sleep 0.1
    done
    kill -0 "$pid" 2>/dev/null && break
done
if ! healthy; then
    echo "FAILED: gted does not answer:"
    tail -n 20 "$dir/log"
    exit 1
fi
export GTE_URL=http://127.0.0.1:$port

failed=0
run() {
    step "$1"
    shift
    timeout --kill-after 10 "$@" || { echo "FAILED: $?" && failed=1; }
}
# The same score, to the last digit, over both kinds of socket.
curls() {
    local pair='{"sentence_a":"怎么申请退款","sentence_b":"退款流程"}' ways=() way replies=()
    ways=("--unix-socket $GTE_SOCKET http://gte" "$GTE_URL")
    for way in "${ways[@]}"; do
        # shellcheck disable=SC2086 # options and an address
        replies+=("$(curl --silent --show-error --fail --max-time 20 --data "$pair" $way/api/similarity |
            grep -o '"similarity":[0-9.]*,"cosine":[0-9.]*')")
    done
    echo "${replies[0]}"
    [ -n "${replies[0]}" ] && [ "${replies[0]}" = "${replies[1]}" ]
}
if command -v curl >/dev/null; then
    step "curl"
    curls || { echo "FAILED: curl" && failed=1; }
else
    not_run "no curl"
fi
[ -z "$python" ] || run "Python clients" 300 "$python" -m pytest -q --tb=short -p no:cacheprovider test_clients.py
if [ -n "$node" ]; then
    cp client.mjs "$dir" && ln -s "$modules/node_modules" "$dir/node_modules"
    run "openai for Node" 120 node --test --test-reporter=spec "$dir/client.mjs"
fi
# No check of what a valid or an invalid body gets: a schema cannot say which text has no token.
checks=not_a_server_error,status_code_conformance,content_type_conformance
checks=$checks,response_headers_conformance,response_schema_conformance,unsupported_method
cd "$dir" || exit 1
[ -z "$schemathesis" ] || run "schemathesis" 300 "$schemathesis" run "$GTE_URL/openapi.json" \
    --phases examples,coverage,fuzzing --checks "$checks" --max-examples 20 --request-timeout 20 \
    --generation-deterministic --continue-on-failure --no-color
cd "$here" || exit 1

curl --silent --fail --output "$dir/metrics" "$GTE_URL/metrics"
run "names of metrics in alarms and dashboard" 30 python3 ../metric_names.py "$dir/metrics"

step "the end of gted"
stop || { echo "FAILED: gted ended with status $?" && failed=1; }
if grep -q -e 申请退款 -e 付款期限 "$dir/log"; then
    echo "FAILED: the log of gted has a text"
    failed=1
fi
[ "$failed" = 0 ] || tail -n 20 "$dir/log"
exit "$failed"
