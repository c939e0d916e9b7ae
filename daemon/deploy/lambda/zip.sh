#!/usr/bin/env bash
# Writes the zip file of a Lambda function, one file named bootstrap, and checks that Lambda takes it:
#
#     GTED_BIN=target/release/gted zip.sh [bootstrap.zip]
#
# Amazon Linux 2023 (runtime provided.al2023) has glibc 2.34 and no other libraries of ours.
set -euo pipefail
bin=$(realpath "${GTED_BIN:?the program gted}")
zip=${1:-bootstrap.zip}
glibc=2.34
max_zip=50000000
max_file=250000000

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# Versions of glibc that are newer; GLIBC_ABI_… are properties that no older one has either.
if ! command -v objdump >/dev/null; then
    echo "NOT RUN: versions of glibc, no objdump"
else
    symbols=$(objdump -T "$bin") || fail "$bin is not a program with dynamic symbols"
    newest=$({ grep -o 'GLIBC_[0-9.]*' <<<"$symbols" || true; } | sort -uV | tail -n 1)
    if [ "$(printf '%s\n' "GLIBC_$glibc" "$newest" | sort -V | tail -n 1)" != "GLIBC_$glibc" ]; then
        grep -F "$newest" <<<"$symbols" >&2
        fail "needs $newest; Amazon Linux 2023 has GLIBC_$glibc (link on an older system)"
    fi
    headers=$(objdump -p "$bin")
    abi=$(grep -o 'GLIBC_ABI_[A-Z_]*' <<<"$headers" || true)
    [ -z "$abi" ] || fail "needs $abi, which is newer than GLIBC_$glibc"
    foreign=$(awk '$1 == "NEEDED" { print $2 }' <<<"$headers" |
        grep -vxE 'lib(c|m|dl|rt|pthread|gcc_s)\.so\.[0-9]+|ld-linux-.*' || true)
    [ -z "$foreign" ] || fail "needs libraries that Amazon Linux 2023 does not have: $foreign"
    echo "needs ${newest:-no glibc}, $(awk '/file format/ { print $NF }' <<<"$headers")"
fi

# The same bytes for the same program: no time, no owner.
python3 - "$bin" "$zip" "$max_zip" "$max_file" <<'PYTHON'
import os, sys, zipfile

program, target, max_zip, max_file = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
entry = zipfile.ZipInfo("bootstrap")
entry.create_system, entry.external_attr, entry.compress_type = 3, 0o100755 << 16, zipfile.ZIP_DEFLATED
with open(program, "rb") as file, zipfile.ZipFile(target + ".part", "w") as archive:
    archive.writestr(entry, file.read(), compresslevel=9)
os.replace(target + ".part", target)
with zipfile.ZipFile(target) as archive:
    (found,) = archive.infolist()
    assert archive.testzip() is None and found.filename == "bootstrap" and found.external_attr >> 16 & 0o111
sizes = os.path.getsize(target), found.file_size
print(f"{target}: {sizes[0]:,} bytes (limit {max_zip:,}), unzipped {sizes[1]:,} (limit {max_file:,})")
if sizes[0] > max_zip:
    sys.exit("FAILED: too large for an upload; use S3 or an image")
if sizes[1] > max_file:
    sys.exit("FAILED: too large for a function; use an image")
PYTHON
