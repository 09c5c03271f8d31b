"""How a bundle is built and served: `run.sh`, a Dockerfile with its requirements, and a service for docker compose."""

from __future__ import annotations

from shlex import quote

from batchproof.deploy.deployed_model import DeployedModel
from batchproof.deploy.triton import paths
from batchproof.deploy.triton.memory import shared_memory
from batchproof.deploy.triton.plan import RepositoryPlan
from batchproof.deploy.triton.serving import contract

_RUN = """\
#!/bin/sh
# sh run.sh build   {building}
# sh run.sh serve   the server, until Ctrl-C
# sh run.sh check   whether it answers, here or where TRITON_URL says
# It works where it stands when tritonserver is installed, and in the container of {product} otherwise.
set -eu

# With it cd may lead somewhere else.
unset CDPATH
cd -- "$(dirname -- "$0")"

here() {{
    command -v tritonserver >/dev/null
}}
{place}
case "${{1:-}}" in
build)
{build}
    here || docker compose build
    ;;
serve)
    here || exec docker compose up --build
    exec {command} --model-repository={repository}
    ;;
check)
    url=${{TRITON_URL:-http://127.0.0.1:${{HTTP_PORT:-8000}}}}
    # Asked for a frame: a model whose process has died says that it is ready, and answers nothing.
    curl --fail --silent --show-error --max-time 10 --output /dev/null --data {question} "$url{infer}"
    echo "$url answers"
    ;;
*)
    echo "sh {script} build|serve|check" >&2
    exit 2
    ;;
esac
"""
_BUILD_ENGINES = """\
    if here; then
        sh {engines}/build_engines.sh
    else
        docker run --rm --gpus all --user "$(id -u):$(id -g)" -e HOME=/tmp -v "$PWD":/bundle -w /bundle \\
            {container} sh {engines}/build_engines.sh
    fi
{plans}"""
_PLACE = """
# A server that looks meanwhile sees the old plan or the new one.
place() {
    cp -- "$1" "$2.partial"
    mv -f -- "$2.partial" "$2"
}
"""
_DOCKERFILE = """\
# {product}, with what `faces` needs beside it. The repository is mounted, not copied: engines belong to one GPU.
FROM {container}
COPY requirements.txt /tmp/requirements.txt
# The images let pip install beside the system's packages; where one does not, this variable does.
RUN PIP_BREAK_SYSTEM_PACKAGES=1 python3 -m pip install --no-cache-dir --requirement /tmp/requirements.txt
"""
_REQUIREMENTS = """\
# Under numpy 2 the Python backend of Triton 2.51 gives outputs without data; later ones were not tried.
numpy>=1.26,<2
opencv-python-headless==4.11.0.86
"""
_ONNXRUNTIME = "onnxruntime==1.31.1\n"
_COMPOSE = """\
# docker compose up --build
services:
  {faces}:
    build: .
    image: batchproof-faces:{target}-{backend}
    command:
{command}
    # Loopback alone: the server asks nobody who he is. HTTP, gRPC and metrics.
    ports:
      - "${{BIND:-127.0.0.1}}:${{HTTP_PORT:-8000}}:8000"
      - "${{BIND:-127.0.0.1}}:${{GRPC_PORT:-8001}}:8001"
      - "${{BIND:-127.0.0.1}}:${{METRICS_PORT:-8002}}:8002"
    volumes:
      - ./{repository}:/models:ro
    # {memory}.
    shm_size: {mib}m
    restart: unless-stopped
    # A frame: a model whose process has died says that it is ready. Nothing restarts an unhealthy container by itself.
    healthcheck:
      test: [CMD, curl, --fail, --silent, --data, {question}, "http://127.0.0.1:8000{infer}"]
      interval: 30s
      timeout: 10s
      retries: 3
      start_period: 180s
"""
# Two by two black pixels: the detector runs, and there is no face for the others.
_QUESTION = (
    '{"inputs":[{"name":"frame","shape":[1,2,2,3],"datatype":"UINT8","data":[0,0,0,0,0,0,0,0,0,0,0,0]}],'
    '"outputs":[{"name":"num_faces"}]}'
)
_INFER = f"/v2/models/{contract.MODEL}/infer"
_GPU = """\
    deploy:
      resources:
        reservations:
          devices:
            - driver: nvidia
              count: 1
              capabilities: [gpu]
"""


def scripts(plan: RepositoryPlan) -> dict[str, str]:
    """Write all four."""
    return {
        paths.RUN_SCRIPT: _run(plan),
        "Dockerfile": _DOCKERFILE.format(product=plan.target.product, container=plan.target.container),
        "requirements.txt": _REQUIREMENTS + (_ONNXRUNTIME if plan.backend == "python" else ""),
        "docker-compose.yml": _compose(plan),
    }


def server_options(plan: RepositoryPlan) -> list[str]:
    """Give the options that the repository needs, wherever it is served.

    The configurations are complete; what the server would add to them is a batcher where none is wanted.
    """
    compatible = ["--backend-config=tensorrt,version-compatible=true"] if plan.version_compatible else []
    return ["--disable-auto-complete-config", *compatible]


def _run(plan: RepositoryPlan) -> str:
    return _RUN.format(
        product=plan.target.product,
        building="the engines of their graphs (minutes), and the image" if plan.on_gpu else "the image",
        place=_PLACE if plan.on_gpu else "",
        build=_build(plan),
        command=" ".join(["tritonserver", *server_options(plan)]),
        repository=paths.REPOSITORY,
        question=quote(_QUESTION),
        infer=_INFER,
        script=paths.RUN_SCRIPT,
    )


def _build(plan: RepositoryPlan) -> str:
    if not plan.on_gpu:
        return "    # The networks are graphs, of which nothing is built."
    plans = "\n".join(_plan_lines(plan, network.model) for network in plan.networks)
    return _BUILD_ENGINES.format(engines=paths.ENGINES, container=quote(plan.target.container), plans=plans)


def _plan_lines(plan: RepositoryPlan, model: DeployedModel) -> str:
    engine = plan.target.engine_name(model.stem, model.profiles, model.precision)
    put = paths.version_file(model.stem, paths.PLAN)
    return f"    mkdir -p {quote(put.rpartition('/')[0])}\n    place {quote(f'{paths.ENGINES}/{engine}')} {quote(put)}"


def _compose(plan: RepositoryPlan) -> str:
    memory = shared_memory(plan)
    command = ["tritonserver", "--model-repository=/models", *server_options(plan)]
    text = _COMPOSE.format(
        faces=contract.MODEL,
        target=plan.target.name,
        backend=plan.backend,
        command="\n".join(f"      - {word}" for word in command),
        repository=paths.REPOSITORY,
        question=f"'{_QUESTION}'",
        infer=_INFER,
        memory=memory.origin,
        mib=memory.mib,
    )
    return text + (_GPU if plan.on_gpu else "")
