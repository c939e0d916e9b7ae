#!/usr/bin/env bash
# Puts gted into Google Cloud Run. Read, fill in the first lines, and run line by line.
set -euo pipefail

project=PROJECT
region=asia-east1
repository=gte
version=0.1.0
gted=${GTED_BIN:?the program gted}
image=$region-docker.pkg.dev/$project/$repository/gte:$version

# 1. The image, and its upload. For docker see container/Dockerfile.
../container/image.sh "$gted" /tmp/gte-image
gcloud artifacts repositories create "$repository" --project "$project" --location "$region" --repository-format docker
gcloud auth print-access-token |
    skopeo login --username oauth2accesstoken --password-stdin "$region-docker.pkg.dev"
skopeo copy oci:/tmp/gte-image/oci:gte "docker://$image"

# 2. The service, from service.yaml with the image filled in.
sed "s|image: .*|image: $image|" service.yaml >/tmp/gte-service.yaml
gcloud run services replace /tmp/gte-service.yaml --project "$project" --region "$region"

#    Or without the file:
gcloud run deploy gte --project "$project" --region "$region" --image "$image" --port 8080 \
    --cpu 1 --memory 256Mi --concurrency 20 --timeout 30 --min-instances 0 --max-instances 10 \
    --cpu-boost --cpu-throttling --execution-environment gen1 --no-allow-unauthenticated \
    --set-env-vars GTE_DRAIN_TIMEOUT=8s

# 3. A caller, and a request.
gcloud run services add-iam-policy-binding gte --project "$project" --region "$region" \
    --member user:YOU@example.com --role roles/run.invoker
url=$(gcloud run services describe gte --project "$project" --region "$region" --format 'value(status.url)')
curl --header "Authorization: Bearer $(gcloud auth print-identity-token)" \
    --data '{"sentence_a":"怎么申请退款","sentence_b":"退款流程"}' "$url/api/similarity"

# The end.
gcloud run services delete gte --project "$project" --region "$region"
