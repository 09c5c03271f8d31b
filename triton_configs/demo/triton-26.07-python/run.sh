#!/bin/sh
# sh run.sh build   the image
# sh run.sh serve   the server, until Ctrl-C
# sh run.sh check   whether it is ready, here or where TRITON_URL says
# It works where it stands when tritonserver is installed, and in the container of Triton 26.07 otherwise.
set -eu

cd -- "$(dirname -- "$0")"

here() {
    command -v tritonserver >/dev/null
}

case "${1:-}" in
build)
    # The networks are graphs, of which nothing is built.
    here || docker compose build
    ;;
serve)
    here || exec docker compose up --build
    exec tritonserver --disable-auto-complete-config --model-repository=model_repository
    ;;
check)
    url=${TRITON_URL:-http://127.0.0.1:${HTTP_PORT:-8000}}
    for path in /v2/health/ready /v2/models/faces/ready; do
        curl --fail --silent --show-error --max-time 10 "$url$path"
    done
    echo "$url is ready"
    ;;
*)
    echo "sh run.sh build|serve|check" >&2
    exit 2
    ;;
esac
