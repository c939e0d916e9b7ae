#!/usr/bin/env bash
# Builds the OCI image of gted from nothing: the program, the loader and three libraries.
#
# image.sh GTED FOLDER: writes FOLDER/rootfs, which the Dockerfile copies, and FOLDER/oci, an OCI
# layout with the tag `gte`. A folder that exists is replaced. With `--root`, only the root.
# Needs umoci; a user other than root adds GTE_UMOCI_ROOTLESS=1.
set -euo pipefail

root_only=''
[ "${1-}" != --root ] || { root_only=1 && shift; }
gted=$(realpath "${1:?the program gted}")
out=${2:?the folder to write}

# Another library than these means that the image is not complete, or that the program has grown.
expected='ld-linux-x86-64.so.2 libc.so.6 libgcc_s.so.1 libm.so.6'
libraries=$(ldd "$gted" | grep -oE '/[^ ]+' | sort -u)
names=$(for library in $libraries; do basename "$library"; done | LC_ALL=C sort | paste -sd ' ')
if [ "$names" != "$expected" ]; then
    echo "image.sh: $gted needs other libraries: $names; expected $expected" >&2
    exit 1
fi

rm -rf "$out/rootfs" "$out/oci"
# Each library at the path where this system's loader found it: links and ld.so.cache are not needed.
install -D -m 755 "$gted" "$out/rootfs/usr/bin/gted"
for library in $libraries; do
    mode=644
    [ "$(basename "$library")" != ld-linux-x86-64.so.2 ] || mode=755
    install -D -m "$mode" "$library" "$out/rootfs$library"
done
# One time for all files: the same program gives the same layers, whatever day it is.
find "$out/rootfs" -exec touch --no-dereference --date="@${SOURCE_DATE_EPOCH:-0}" {} +
[ -z "$root_only" ] || exit 0

rootless=()
[ -z "${GTE_UMOCI_ROOTLESS-}" ] || rootless=(--rootless)
image=$out/oci:gte
created=$(date -u -d "@${SOURCE_DATE_EPOCH:-0}" +%Y-%m-%dT%H:%M:%SZ)
history=(--history.created "$created" --history.author image.sh)
version=$("$gted" --version)
umoci init --layout "$out/oci"
umoci new --image "$image"
# Libraries first, in a layer that stays the same from one version of gted to the next.
for folder in "$out"/rootfs/lib* "$out/rootfs/usr"; do
    name=/$(basename "$folder")
    umoci insert "${rootless[@]}" --image "$image" "${history[@]}" "$folder" "$name"
done
# The platform in front authenticates (Function Compute, Cloud Run, Knative's ingress): --no-auth.
# PORT is what gted listens at unless FC_SERVER_PORT or --http says otherwise; Cloud Run and
# Knative replace it. No memory limit, thread count or home is set here.
umoci config --image "$image" --no-history --created "$created" --architecture amd64 --os linux \
    --config.user 65532:65532 --config.entrypoint /usr/bin/gted \
    --config.cmd serve --config.cmd --no-auth \
    --config.env PORT=8080 --config.exposedports 8080/tcp --config.stopsignal SIGTERM \
    --config.workingdir / \
    --config.label org.opencontainers.image.title=gted \
    --config.label "org.opencontainers.image.description=Semantic similarity of Chinese texts" \
    --config.label "org.opencontainers.image.version=${version#* }" \
    --config.label "org.opencontainers.image.licenses=MIT OR Apache-2.0"
umoci gc --layout "$out/oci"
du -sh --apparent-size "$out/rootfs" "$out/oci"
