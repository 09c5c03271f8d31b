#!/bin/sh
# sh run.sh build   the engines of their graphs (minutes), and the image
# sh run.sh serve   the server, until Ctrl-C
# sh run.sh check   whether it answers, here or where TRITON_URL says
# It works where it stands when tritonserver is installed, and in the container of Triton 26.07 otherwise.
set -eu

# With it cd may lead somewhere else.
unset CDPATH
cd -- "$(dirname -- "$0")"

here() {
    command -v tritonserver >/dev/null
}

# A server that looks meanwhile sees the old plan or the new one.
place() {
    cp -- "$1" "$2.partial"
    mv -f -- "$2.partial" "$2"
}

case "${1:-}" in
build)
    if here; then
        sh engines/build_engines.sh
    else
        docker run --rm --gpus all --user "$(id -u):$(id -g)" -e HOME=/tmp -v "$PWD":/bundle -w /bundle \
            nvcr.io/nvidia/tritonserver:26.07-py3 sh engines/build_engines.sh
    fi
    mkdir -p model_repository/det_10g.fp16/1
    place engines/det_10g.fp16/1/model.plan model_repository/det_10g.fp16/1/model.plan
    mkdir -p model_repository/w600k_r50.fp16/1
    place engines/w600k_r50.fp16/1/model.plan model_repository/w600k_r50.fp16/1/model.plan
    mkdir -p model_repository/2d106det.fp16/1
    place engines/2d106det.fp16/1/model.plan model_repository/2d106det.fp16/1/model.plan
    mkdir -p model_repository/1k3d68.fp16/1
    place engines/1k3d68.fp16/1/model.plan model_repository/1k3d68.fp16/1/model.plan
    mkdir -p model_repository/genderage.fp16/1
    place engines/genderage.fp16/1/model.plan model_repository/genderage.fp16/1/model.plan
    here || docker compose build
    ;;
serve)
    here || exec docker compose up --build
    exec tritonserver --disable-auto-complete-config --model-repository=model_repository
    ;;
check)
    url=${TRITON_URL:-http://127.0.0.1:${HTTP_PORT:-8000}}
    # Asked for a frame: a model whose process has died says that it is ready, and answers nothing.
    curl --fail --silent --show-error --max-time 10 --output /dev/null --data '{"inputs":[{"name":"frame","shape":[1,2,2,3],"datatype":"UINT8","data":[0,0,0,0,0,0,0,0,0,0,0,0]}],"outputs":[{"name":"num_faces"}]}' "$url/v2/models/faces/infer"
    echo "$url answers"
    ;;
*)
    echo "sh run.sh build|serve|check" >&2
    exit 2
    ;;
esac
