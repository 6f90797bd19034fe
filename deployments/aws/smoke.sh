#!/bin/sh
# smoke.sh IMAGE REFERENCE: whether an image that was just built starts, before anybody can pull it.
# It serves one request as an ECS task does. The request is empty, so that neither model nor medium is needed:
# an image whose handler cannot be imported says something else than that it refuses it.
set -eu
image=$1 reference=$2
if [ "$image" = flows ]; then
  exec docker run --rm "$reference" python -c "import flows.analyze.flow, flows.batch.flow, flows.reindex.flow"
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 777 "$folder" # the image's user is another
echo '{}' >"$folder/request.json"
docker run --rm --volume "$folder:/smoke" \
  --env MEDIAFLOW_REQUEST_URI=file:///smoke/request.json --env MEDIAFLOW_ANSWER_URI=file:///smoke/answer.json \
  "$reference" || true # the handler's refusal is the job's failure
if ! grep -q "$image refuses the request" "$folder/answer.json"; then
  echo "$reference did not refuse an empty request:" >&2
  cat "$folder/answer.json" >&2 || true
  exit 1
fi
