"""Sessions. The main job is `nox -s export build validate`; the tests are `nox -s tests`.

Nearly all sessions share one environment, `.nox/batchproof`, made on first use and again whenever the requirements
change; those with a real tritonserver share another, `.nox/serving`.
Everything after `--` goes to `batchproof run`: `nox -s validate -- --models DIR --images DIR`.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.5"
nox.options.sessions = ["export", "build", "validate"]
nox.options.default_venv_backend = "none"

HERE = Path(__file__).parent
# What a machine with a GPU may add: BATCHPROOF_EXTRAS=tensorrt, or gpu, which is another build of what cpu brings.
ADDED = [extra for extra in os.environ.get("BATCHPROOF_EXTRAS", "").split(",") if extra]
EXTRAS = ",".join([*([] if "gpu" in ADDED else ["cpu"]), "export", "mmdet", "validate", "rtx", "triton", "dev", *ADDED])
SERVING, SERVING_TOOLS = (
    "cpu,validate,triton,tritonserver",
    ("hypothesis>=6.155,<7", "matplotlib>=3.10,<4", "pytest>=9,<10"),
)
# mmcv without its operators, which no compared layer calls: with them it compiles for ten minutes.
MMDET = ("mmcv-lite==2.1.0", "mmengine", "mmdet==3.3.0", "numpy<2", "opencv-python<5", "pytest")


def environment(session: nox.Session) -> Path:
    """Make the environment that nearly all sessions share, and return its Python."""
    return made(session, "batchproof", f"{HERE}[{EXTRAS}]")


def serving_environment(session: nox.Session) -> Path:
    """Make the one apart for a real tritonserver, whose models need numpy 1, and what it is compared with."""
    return made(session, "serving", f"{HERE}[{SERVING}]", *SERVING_TOOLS)


def made(session: nox.Session, name: str, *requirements: str) -> Path:
    """Make an environment, or find it up to date, and return its Python.

    The stamp is written last, so that an interrupted installation is done again.
    """
    folder = HERE / ".nox" / name
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = folder / "requirements.sha256"
    decisive = (HERE / "pyproject.toml").read_bytes() + " ".join((*requirements, sys.version)).encode()
    wanted = hashlib.sha256(decisive).hexdigest()
    if not (stamp.exists() and stamp.read_text() == wanted):
        session.log(f"making the environment {name}: minutes the first time, nothing afterwards")
        session.run(sys.executable, "-m", "venv", "--clear", str(folder), external=True, silent=True)
        session.run(str(python), "-m", "pip", "install", "--quiet", "--editable", *requirements, external=True)
        stamp.write_text(wanted)
    return python


def batchproof(session: nox.Session, *arguments: str) -> None:
    """Run one command of batchproof in the shared environment."""
    session.run(str(environment(session)), "-m", "batchproof", *arguments, *session.posargs, external=True)


@nox.session
def export(session: nox.Session) -> None:
    """Export the models: PyTorch to ONNX, or take the user's ONNX files in."""
    batchproof(session, "run", "export")


@nox.session
def surgery(session: nox.Session) -> None:
    """Make the graphs batch-safe, in FP32 and FP16."""
    batchproof(session, "run", "surgery")


@nox.session
def build(session: nox.Session) -> None:
    """Build ONNX Runtime sessions and TensorRT engines (surgery first, where it is due)."""
    batchproof(session, "run", "build")


@nox.session
def validate(session: nox.Session) -> None:
    """Probe for contamination and compare with insightface (the earlier stages first, where they are due)."""
    batchproof(session, "run", "validate")


@nox.session
def report(session: nox.Session) -> None:
    """Write the report of a store again: `nox -s report -- artifacts/demo`."""
    store = session.posargs or ["artifacts/demo"]
    session.run(str(environment(session)), "-m", "batchproof", "report", *store, external=True)


@nox.session
def deploy(session: nox.Session) -> None:
    """Write or check a deployment: `nox -s deploy -- deepstream artifacts/demo --target deepstream-8.0 -o bundle`."""
    session.run(str(environment(session)), "-m", "batchproof", "deploy", *session.posargs, external=True)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests, but for whole runs; with BATCHPROOF_TEST_DATA=DIR those on real models too."""
    pytest_on_all_cores(session)


@nox.session
def runs(session: nox.Session) -> None:
    """Run the tests that walk whole packs, kill them, and resume: minutes."""
    pytest_on_all_cores(session, "-m", "whole")


def pytest_on_all_cores(session: nox.Session, *arguments: str) -> None:
    """Give a file at a time to each core; more threads within one would only take turns."""
    spread, one_thread = ("-n", "auto", "--dist", "loadfile"), {"OMP_NUM_THREADS": "1"}
    command = (str(environment(session)), "-m", "pytest", *spread, *arguments, *session.posargs)
    session.run(*command, env=one_thread, external=True)


@nox.session(venv_backend="venv", reuse_venv=True)
def mmdet(session: nox.Session) -> None:
    """Compare layers with mmdet's own, and read configurations with the whole mmengine, in an environment apart."""
    session.install("--editable", f"{HERE}[cpu,export]", *MMDET)
    session.run("pytest", "tests/export/mmdet", *session.posargs)


@nox.session
def triton(session: nox.Session) -> None:
    """Serve emitted repositories by a real tritonserver and test what it answers: minutes."""
    tests_of_it = session.posargs or ["tests/deploy"]
    session.run(str(serving_environment(session)), "-m", "pytest", "-m", "served", *tests_of_it, external=True)


@nox.session
def rehearse(session: nox.Session) -> None:
    """Serve a bundle by a real tritonserver and judge its answers: `nox -s rehearse -- BUNDLE --images DIR`."""
    command = ("-m", "batchproof", "deploy", "rehearse", *session.posargs)
    session.run(str(serving_environment(session)), *command, external=True)


@nox.session
def load(session: nox.Session) -> None:
    """Write reports/triton_load.md: a served bundle under load, `nox -s load -- BUNDLE --images DIR`: ten minutes."""
    command = ("-m", "benchmarks.triton_load", *session.posargs)
    session.run(str(serving_environment(session)), *command, external=True)


@nox.session
def soundness(session: nox.Session) -> None:
    """Attack the proof with random graphs, 100,000 or as many as you say: `nox -s soundness -- 1000000`."""
    examples = session.posargs or ["100000"]
    tests_of_it = "tests/validate/independence/test_soundness.py"
    session.run(
        str(environment(session)),
        "-m",
        "pytest",
        "-s",
        tests_of_it,
        env={"BATCHPROOF_PROOF_EXAMPLES": examples[0]},
        external=True,
    )


@nox.session
def kills(session: nox.Session) -> None:
    """Write reports/kills.md: a matrix of engines, killed 50 times or as often as you say: `nox -s kills -- 500`."""
    session.run(str(environment(session)), "-m", "tests.build.cache.kills", *session.posargs, external=True)


@nox.session
def bench(session: nox.Session) -> None:
    """Write reports/benchmarks.md: `nox -s bench -- MODELS --images DIR`; default: the demo pack."""
    session.run(str(environment(session)), "-m", "benchmarks", *session.posargs, external=True)


@nox.session
def engines(session: nox.Session) -> None:
    """Write reports/engines.md: `nox -s engines -- --models DIR`; default: the seeded networks alone."""
    session.run(str(environment(session)), "-m", "benchmarks.engine_table", *session.posargs, external=True)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and formatting."""
    python = str(environment(session))
    session.run(python, "-m", "ruff", "check", ".", external=True)
    session.run(python, "-m", "ruff", "format", "--check", ".", external=True)


@nox.session
def typecheck(session: nox.Session) -> None:
    """Check the types, strictly."""
    session.run(str(environment(session)), "-m", "mypy", external=True)
