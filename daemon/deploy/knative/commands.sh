#!/usr/bin/env bash
# Puts gted on a cluster with Knative Serving. Read, fill in the first lines, and run line by line.
set -euo pipefail

registry=registry.example.com/NAMESPACE
namespace=default
version=0.1.0
gted=${GTED_BIN:?the program gted}

# 1. The image, and its upload. For docker see container/Dockerfile.
../container/image.sh "$gted" /tmp/gte-image
skopeo copy oci:/tmp/gte-image/oci:gte "docker://$registry/gte:$version"

# 2. The service.
sed "s|image: .*|image: $registry/gte:$version|" service.yaml | kubectl apply --namespace "$namespace" --filename -
kubectl wait --namespace "$namespace" --for condition=Ready --timeout 120s service.serving.knative.dev/gte

# 3. A request, from inside of the cluster.
kubectl run gte-client --namespace "$namespace" --rm --stdin --restart Never --image curlimages/curl -- \
    curl --silent --data '{"sentence_a":"怎么申请退款","sentence_b":"退款流程"}' \
    "http://gte.$namespace.svc.cluster.local/api/similarity"

# The end.
kubectl delete --namespace "$namespace" service.serving.knative.dev/gte
