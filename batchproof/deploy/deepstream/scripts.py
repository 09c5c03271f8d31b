"""How a bundle is built and run: `run.sh`, on the machine or in the target's container, and a Dockerfile."""

from __future__ import annotations

from shlex import quote

from batchproof.deploy.deepstream import paths
from batchproof.deploy.deepstream.plan import BundlePlan

RUN_SCRIPT = "run.sh"
_RUN = """\
#!/bin/sh
# sh run.sh build    libraries from their sources, engines from their graphs
# sh run.sh check    the libraries, called as nvinfer and nvdspreprocess do
# sh run.sh          the pipeline of {app}
# sh run.sh triton   puts the engines where Triton looks for them
# It works where it stands when DeepStream is installed, and in the container of {product} otherwise.
set -eu

# With it cd may lead somewhere else.
unset CDPATH
cd -- "$(dirname -- "$0")"
if ! command -v deepstream-app >/dev/null; then
    exec docker run --rm --gpus all --user "$(id -u):$(id -g)" -e HOME=/tmp -v "$PWD":/bundle -w /bundle \\
        {container} sh {script} "$@"
fi

case "${{1:-run}}" in
build)
    make NVDS_VERSION={version} MAX_FACES={faces}
    sh {engines}/build_engines.sh
    ;;
check)
    make NVDS_VERSION={version} MAX_FACES={faces} check
    ;;
run)
    exec deepstream-app -c {app}
    ;;
triton)
{plans}
    ;;
*)
    echo "sh {script} [build|check|run|triton]" >&2
    exit 2
    ;;
esac
"""
_DOCKERFILE = """\
# {product}, with the libraries of this bundle. Engines are for one GPU: sh run.sh build makes them where it is.
#   docker build -t faces . && docker run --rm --gpus all -it faces
FROM {container}
WORKDIR /bundle
COPY . .
RUN make NVDS_VERSION={version} MAX_FACES={faces}
CMD ["sh", "-c", "sh {script} build && sh {script}"]
"""


def scripts(plan: BundlePlan) -> dict[str, str]:
    """Write both; what the parser keeps of a frame is what the pools of the configurations are sized for."""
    plan.target.check_container()
    facts = {
        "product": plan.target.product,
        "container": quote(plan.target.container),
        "version": "{}.{}".format(*plan.version),
        "faces": plan.faces,
        "app": paths.APP,
        "engines": paths.ENGINES,
        "script": RUN_SCRIPT,
        "plans": "\n".join(_plan_lines(plan)),
    }
    return {RUN_SCRIPT: _RUN.format(**facts), "Dockerfile": _DOCKERFILE.format(**facts)}


def _plan_lines(plan: BundlePlan) -> list[str]:
    lines = []
    for model in plan.models:
        folder = quote(f"{paths.REPOSITORY}/{model.stem}/1")
        lines.append(f"    mkdir -p {folder}")
        lines.append(f"    cp {quote(f'{paths.ENGINES}/{plan.engine(model)}')} {folder}/model.plan")
    return lines
