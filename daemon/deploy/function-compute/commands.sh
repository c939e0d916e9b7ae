#!/usr/bin/env bash
# Puts gted into Alibaba Function Compute. Read, fill in the first lines, and run line by line.
set -euo pipefail

registry=registry.cn-hangzhou.aliyuncs.com/NAMESPACE # Container Registry, personal or enterprise.
version=0.1.0
gted=${GTED_BIN:?the program gted}

# 1. The image (amd64, the only architecture there), and its upload. For docker see container/Dockerfile.
../container/image.sh "$gted" /tmp/gte-image
skopeo login "${registry%%/*}"
skopeo copy --format v2s2 oci:/tmp/gte-image/oci:gte "docker://$registry/gte:$version"

# 2. The tool, and a name for your keys: an account with AliyunFCFullAccess, and for private images
#    AliyunContainerRegistryReadOnlyAccess.
npm install --global @serverless-devs/s
s config add --access default

# 3. The function, with the address of its trigger in the output.
s deploy -t s.yaml

# 4. A request. As an event (API call): a line of PROTOCOL.md.
s invoke -t s.yaml -e '{"a":"怎么申请退款","b":"退款流程"}'
s logs -t s.yaml --tail

# The end.
s remove -t s.yaml
