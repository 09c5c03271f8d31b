"""What an operator runs: as text, and with stand-ins for the programs that it calls."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from batchproof.deploy.triton.memory import shared_memory
from batchproof.deploy.triton.plan import Backend, RepositoryPlan
from batchproof.deploy.triton.repository import repository_files
from batchproof.deploy.triton.serving import contract
from tests.deploy.machine import Machine
from tests.deploy.triton.plans import BACKENDS, RELEASES, plan


def building(made: RepositoryPlan) -> str:
    """A script that makes every engine where the real one does: below its own folder, by the target's name."""
    lines = ['cd -- "$(dirname -- "$0")"']
    for one in made.networks:
        engine = made.target.engine_name(one.model.stem, one.model.profiles, one.model.precision)
        lines += [f"mkdir -p {Path(engine).parent}", f"echo engine of {one.model.name} >{engine}"]
    return "\n".join([*lines, ""])


def test_engines_are_put_where_the_server_looks_for_them(tmp_path: Path) -> None:
    made = plan()
    machine = Machine(tmp_path, repository_files(made), "tritonserver")
    machine.engines(building(made))
    assert machine.run("build")[0] == 0
    repository = machine.bundle / "model_repository"
    for one in made.networks:
        folder = repository / one.model.stem / "1"
        assert (folder / "model.plan").read_text() == f"engine of {one.model.name}\n"
        assert {path.name for path in folder.iterdir()} == {"model.plan", "README.txt"}


def test_it_works_in_its_own_folder_whatever_cdpath_says(tmp_path: Path) -> None:
    machine = Machine(tmp_path, repository_files(plan()), "docker")
    (tmp_path / "elsewhere" / "a bundle").mkdir(parents=True)
    code, calls = machine.run("build", CDPATH=str(tmp_path / "elsewhere"))
    assert code != 0  # no engine comes of a stand-in for docker
    assert f"-v {machine.bundle}:/bundle" in calls[0]


def test_where_engines_fail_no_plan_is_touched(tmp_path: Path) -> None:
    machine = Machine(tmp_path, repository_files(plan()), "tritonserver")
    machine.engines("exit 1\n")
    assert machine.run("build")[0] == 1
    assert not list(machine.bundle.rglob("model.plan"))


def test_where_triton_is_not_installed_its_container_builds(tmp_path: Path) -> None:
    made = plan()
    machine = Machine(tmp_path, repository_files(made), "docker")
    machine.engines(building(made))
    subprocess.run(["sh", machine.bundle / "engines" / "build_engines.sh"], check=True)  # as the container would have
    code, (engines, image) = machine.run("build")
    assert code == 0
    assert engines.startswith("docker run --rm --gpus all --user ")
    assert engines.endswith(f" -w /bundle {made.target.container} sh engines/build_engines.sh")
    assert image == "docker compose build"
    assert machine.run("serve")[1][-1] == "docker compose up --build"


@pytest.mark.parametrize("backend", BACKENDS[1:])
def test_without_engines_only_the_image_is_built(tmp_path: Path, backend: Backend) -> None:
    machine = Machine(tmp_path, repository_files(plan(backend=backend)), "docker")
    assert machine.run("build") == (0, ["docker compose build"])


def test_where_triton_is_installed_it_serves(tmp_path: Path) -> None:
    machine = Machine(tmp_path, repository_files(plan()), "tritonserver", "docker")
    assert machine.run("serve") == (
        0,
        ["tritonserver --disable-auto-complete-config --model-repository=model_repository"],
    )
    assert machine.run("bogus")[0] == machine.run()[0] == 2


@pytest.mark.parametrize(("status", "code"), [(200, 0), (500, 22)])
def test_check_asks_for_a_frame(tmp_path: Path, status: int, code: int) -> None:
    asked: list[tuple[str, dict[str, Any]]] = []

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    if shutil.which("curl", path="/usr/bin:/bin") is None:
        pytest.skip("curl is not installed")
    machine = Machine(tmp_path, repository_files(plan()))
    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert machine.run("check", HTTP_PORT=str(server.server_port))[0] == code
        assert machine.run("check", TRITON_URL=f"http://127.0.0.1:{server.server_port}")[0] == code
        server.shutdown()
    assert [path for path, _ in asked] == ["/v2/models/faces/infer"] * 2
    (frame,) = asked[0][1]["inputs"]
    assert (frame["name"], frame["datatype"]) == (contract.FRAME.name, contract.FRAME.data_type)
    assert len(frame["data"]) == math.prod(frame["shape"])


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_script_is_clean(tmp_path: Path, backend: Backend) -> None:
    script = tmp_path / "run.sh"
    script.write_text(repository_files(plan(backend=backend))["run.sh"])
    shellcheck = Path(sys.executable).with_name("shellcheck")
    done = subprocess.run([shellcheck, "-s", "sh", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("backend", BACKENDS)
def test_the_service_is_closed_to_others_and_watched(release: str, backend: Backend) -> None:
    made = plan(release, backend)
    files = repository_files(made)
    (service,) = yaml.safe_load(files["docker-compose.yml"])["services"].values()
    assert service["ports"] == [
        f"${{BIND:-127.0.0.1}}:${{{name}_PORT:-{port}}}:{port}"
        for name, port in (("HTTP", 8000), ("GRPC", 8001), ("METRICS", 8002))
    ]
    assert service["volumes"] == ["./model_repository:/models:ro"]
    assert (service["build"], service["restart"]) == (".", "unless-stopped")
    assert service["image"] == f"batchproof-faces:{release}-{backend}"
    assert service["command"][:2] == ["tritonserver", "--model-repository=/models"]
    *_, option, question, url = service["healthcheck"]["test"]
    assert (option, url) == ("--data", "http://127.0.0.1:8000/v2/models/faces/infer")
    assert json.loads(question)["outputs"] == [{"name": contract.NUM_FACES.name}]
    assert service["shm_size"] == f"{shared_memory(made).mib}m"
    assert not service.keys() & {"privileged", "network_mode", "ipc", "pid", "cap_add"}
    assert ("deploy" in service) == (backend == "tensorrt")
    assert f"\nFROM {made.target.container}\n" in files["Dockerfile"]


def test_a_gpu_is_reserved_for_engines() -> None:
    (service,) = yaml.safe_load(repository_files(plan())["docker-compose.yml"])["services"].values()
    (device,) = service["deploy"]["resources"]["reservations"]["devices"]
    assert device == {"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}


def test_docker_takes_the_service(tmp_path: Path) -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("docker compose is not installed")
    for path, text in repository_files(plan()).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    done = subprocess.run(
        [docker, "compose", "config", "--quiet"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_image_gets_what_runs_in_it() -> None:
    requirements = {backend: repository_files(plan(backend=backend))["requirements.txt"] for backend in BACKENDS}
    assert {backend: "onnxruntime==" in text for backend, text in requirements.items()} == {
        "tensorrt": False,
        "onnxruntime": False,
        "python": True,
    }
    for text in requirements.values():
        assert "numpy>=1.26,<2\n" in text
        assert "opencv-python-headless==" in text
