#!/bin/sh
# sh run.sh build    libraries from their sources, engines from their graphs
# sh run.sh check    the libraries, called as nvinfer and nvdspreprocess do
# sh run.sh          the pipeline of configs/app.txt
# sh run.sh triton   puts the engines where Triton looks for them
# It works where it stands when DeepStream is installed, and in the container of DeepStream 9.1 otherwise.
set -eu

# With it cd may lead somewhere else.
unset CDPATH
cd -- "$(dirname -- "$0")"
if ! command -v deepstream-app >/dev/null; then
    exec docker run --rm --gpus all --user "$(id -u):$(id -g)" -e HOME=/tmp -v "$PWD":/bundle -w /bundle \
        nvcr.io/nvidia/deepstream:9.1-triton-multiarch sh run.sh "$@"
fi

case "${1:-run}" in
build)
    make NVDS_VERSION=9.1 MAX_FACES=64
    sh engines/build_engines.sh
    ;;
check)
    make NVDS_VERSION=9.1 MAX_FACES=64 check
    ;;
run)
    exec deepstream-app -c configs/app.txt
    ;;
triton)
    mkdir -p triton/model_repository/det_10g.fp16/1
    cp engines/det_10g.fp16.onnx_b32_gpu0_fp16.engine triton/model_repository/det_10g.fp16/1/model.plan
    mkdir -p triton/model_repository/w600k_r50.fp16/1
    cp engines/w600k_r50.fp16.onnx_b32_gpu0_fp16.engine triton/model_repository/w600k_r50.fp16/1/model.plan
    mkdir -p triton/model_repository/2d106det.fp16/1
    cp engines/2d106det.fp16.onnx_b32_gpu0_fp16.engine triton/model_repository/2d106det.fp16/1/model.plan
    mkdir -p triton/model_repository/1k3d68.fp16/1
    cp engines/1k3d68.fp16.onnx_b32_gpu0_fp16.engine triton/model_repository/1k3d68.fp16/1/model.plan
    mkdir -p triton/model_repository/genderage.fp16/1
    cp engines/genderage.fp16.onnx_b32_gpu0_fp16.engine triton/model_repository/genderage.fp16/1/model.plan
    ;;
*)
    echo "sh run.sh [build|check|run|triton]" >&2
    exit 2
    ;;
esac
