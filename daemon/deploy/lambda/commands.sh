#!/usr/bin/env bash
# Puts gted into AWS Lambda. Read, fill in the first lines, and run line by line: 2a for a zip file,
# or 2b for an image.
set -euo pipefail

export AWS_DEFAULT_REGION=ap-east-1
account=123456789012
version=0.1.0
gted=${GTED_BIN:?the program gted}
role=arn:aws:iam::$account:role/gte-lambda
work=$(mktemp -d)

# 1. A role that may write logs, and nothing else.
aws iam create-role --role-name gte-lambda --assume-role-policy-document file://trust.json
aws iam attach-role-policy --role-name gte-lambda \
    --policy-arn arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole
#    Lambda may know it a few seconds later.
aws iam wait role-exists --role-name gte-lambda

# 2a. The function, from a zip file of one file. More memory is more of a core: 1769 MB are one.
GTED_BIN=$gted ./zip.sh "$work/bootstrap.zip"
aws lambda create-function --function-name gte --runtime provided.al2023 --architectures x86_64 \
    --handler bootstrap --role "$role" --memory-size 512 --timeout 30 \
    --zip-file "fileb://$work/bootstrap.zip"
aws lambda wait function-active-v2 --function-name gte
#     A later version:
aws lambda update-function-code --function-name gte --zip-file "fileb://$work/bootstrap.zip"
aws lambda wait function-updated-v2 --function-name gte

# 2b. The function, from the image of ../container, which runs `gted lambda` there.
registry=$account.dkr.ecr.$AWS_DEFAULT_REGION.amazonaws.com
../container/image.sh "$gted" "$work/image"
aws ecr create-repository --repository-name gte
aws ecr get-login-password | skopeo login --username AWS --password-stdin "$registry"
skopeo copy --format v2s2 "oci:$work/image/oci:gte" "docker://$registry/gte:$version"
aws lambda create-function --function-name gte-image --package-type Image \
    --code "ImageUri=$registry/gte:$version" --image-config Command=lambda --architectures x86_64 \
    --role "$role" --memory-size 512 --timeout 30
aws lambda wait function-active-v2 --function-name gte-image

# 3. Settings of gted. GTE_SHARED_CACHE names a Redis server for all instances (without TLS, and not
#    a cluster): a private one needs --vpc-config, and a role with AWSLambdaVPCAccessExecutionRole.
aws lambda update-function-configuration --function-name gte \
    --environment 'Variables={GTE_LOG_FORMAT=json}'
aws lambda wait function-updated-v2 --function-name gte

# 4. A URL for those who sign their requests. For anybody else put a gateway in front, or an image
#    with a file of tokens and GTE_TOKEN_FILE.
aws lambda create-function-url-config --function-name gte --auth-type AWS_IAM

# 5. A request: a line of PROTOCOL.md, without a URL. A schedule that sends {} keeps it warm.
aws lambda invoke --function-name gte --payload fileb://event.json /dev/stdout

# 6. Alarms, from the metrics that gted writes into its log: errors, slow answers, cold starts.
for alarm in "Errors Sum 5" "Millis Average 500" "ColdStart Sum 100"; do
    read -r metric statistic threshold <<<"$alarm"
    aws cloudwatch put-metric-alarm --alarm-name "gte-$metric" --namespace gte --metric-name "$metric" \
        --dimensions Name=FunctionName,Value=gte --statistic "$statistic" --period 300 \
        --evaluation-periods 1 --threshold "$threshold" --comparison-operator GreaterThanThreshold \
        --treat-missing-data notBreaching
done

# The end.
aws lambda delete-function --function-name gte
aws lambda delete-function --function-name gte-image
aws ecr delete-repository --repository-name gte --force
aws iam detach-role-policy --role-name gte-lambda \
    --policy-arn arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole
aws iam delete-role --role-name gte-lambda
