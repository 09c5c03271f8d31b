"""The cells of a run: which there are, where their files go, and what decides them."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from batchproof.artifacts import layout
from batchproof.artifacts.step import Outcome, Step, Workspace
from batchproof.artifacts.store import open_store
from batchproof.build.stage import plan
from batchproof.engine_options import EngineOptions
from batchproof.errors import InputError
from batchproof.policy import load_policy
from batchproof.profile_choice import ProfileChoice
from batchproof.settings import EngineSettings, Settings
from batchproof.verdict import Status
from batchproof.zoo.pack import NO_LICENCE, OnnxSource, Pack, PackModel
from batchproof.zoo.spec import Precision
from tests.build import tiny_graphs
from tests.build.container import fake_trtexec
from tests.listening import Remembering

MODEL = PackModel("tiny", tiny_graphs.SPEC, OnnxSource(Path("tiny.onnx")), "", NO_LICENCE)
SIZE = (64, 96)


def settings(*texts: str, **engines: object) -> Settings:
    choice = ProfileChoice.parse(texts or ["1,4,8"], SIZE)
    return Settings(choice, None, load_policy(), engines=replace(EngineSettings(), **engines))  # type: ignore[arg-type]


def graphs() -> list[Step]:
    """Steps that stand for the surgery: they bring graphs into the store."""
    return [graph("fp32"), graph("fp16")]


def graph(precision: Precision) -> Step:
    def action(workspace: Workspace) -> Outcome:
        tiny_graphs.detector(workspace.outputs[0], dtype=precision)
        return Outcome()

    path = layout.repaired("tiny", precision)
    return Step("surgery", "surgery", f"tiny.{precision}", action, produces=(path,))


def produced(chosen: Settings) -> set[str]:
    return {path for step in plan(Pack("mine", (MODEL,)), chosen) for path in step.produces}


def test_an_engine_of_each_precision_and_target() -> None:
    assert produced(settings()) == {
        "build/ort/tiny.fp32.ort",
        "build/ort/tiny.fp16.ort",
        "build/rtx/tiny.fp32.engine",
        "build/rtx/tiny.fp32.engine.json",
        "build/rtx/tiny.fp16.engine",
        "build/rtx/tiny.fp16.engine.json",
        "build/local/tiny.fp32.engine",
        "build/local/tiny.fp32.engine.json",
        "build/local/tiny.fp16.engine",
        "build/local/tiny.fp16.engine.json",
    }


def test_the_engines_of_several_profiles_have_folders_of_their_own() -> None:
    chosen = settings("1,4,8", "1+8", targets=("ort", "rtx"), precisions=("fp16",))
    assert produced(chosen) == {
        "build/ort/tiny.fp16.ort",
        "build/rtx/b1-4-8_64x96/tiny.fp16.engine",
        "build/rtx/b1-4-8_64x96/tiny.fp16.engine.json",
        "build/rtx/b1-1-1+b1-8-8_64x96/tiny.fp16.engine",
        "build/rtx/b1-1-1+b1-8-8_64x96/tiny.fp16.engine.json",
    }
    names = {(step.check, step.subject) for step in plan(Pack("mine", (MODEL,)), chosen)}
    assert len(names) == 3


def test_a_session_is_executed_with_the_profile_around_all() -> None:
    [session] = plan(Pack("mine", (MODEL,)), settings("1,4,8", "16", targets=("ort",), precisions=("fp32",)))
    [profile] = session.settings["profiles"]
    assert (profile["minimum"], profile["maximum"]) == (1, 16)


def test_a_provider_of_onnx_runtime_leaves_no_file() -> None:
    assert produced(settings(targets=("ort-cuda",))) == set()


def test_a_container_gets_the_graphs_their_jobs_and_one_script() -> None:
    assert produced(settings(targets=("deepstream-8.0",))) == {
        "build/deepstream-8.0/build_engines.sh",
        *(
            f"build/deepstream-8.0/tiny.{precision}.{end}"
            for precision in ("fp32", "fp16")
            for end in (
                "onnx",
                "job",
                "io.json",
                f"onnx_b8_gpu0_{precision}.engine",
                f"onnx_b8_gpu0_{precision}.engine.json",
            )
        ),
    }


def test_a_target_without_half_precision_gets_none() -> None:
    chosen = settings(targets=("deepstream-6.4",))
    assert not any("fp16" in path for path in produced(chosen))
    [empty] = [step for step in plan(Pack("mine", (MODEL,)), chosen) if step.subject == "tiny.fp16"]
    [verdict] = empty.action(Workspace((), (), ())).verdicts
    assert (empty.check, verdict.check, verdict.status) == (
        "build.deepstream-6.4",
        "build.deepstream-6.4",
        Status.NOT_RUN,
    )
    assert "deepstream-6.4 builds no fp16 engines" in verdict.reason
    chosen.check(Pack("mine", (MODEL,)))


def test_a_precision_that_was_asked_for_is_refused_where_a_target_lacks_it() -> None:
    with pytest.raises(InputError, match=r"deepstream-7\.0 builds no fp16 engines"):
        settings(targets=("deepstream-7.0",), precisions=("fp16",)).check(Pack("mine", (MODEL,)))


def test_one_script_for_the_jobs_of_all_profiles() -> None:
    chosen = settings("1,4,8", "1,2,4", targets=("deepstream-8.0",), precisions=("fp16",))
    assert {path for path in produced(chosen) if path.endswith((".sh", ".job"))} == {
        "build/deepstream-8.0/build_engines.sh",
        "build/deepstream-8.0/b1-4-8_64x96/tiny.fp16.job",
        "build/deepstream-8.0/b1-2-4_64x96/tiny.fp16.job",
    }


def test_options_decide_an_engine_and_no_session() -> None:
    def decisive(options: EngineOptions) -> dict[str, object]:
        steps = plan(Pack("mine", (MODEL,)), settings(targets=("ort", "rtx"), options=options))
        return {step.check: step.settings for step in steps if step.subject == "tiny.fp16"}

    before, after = decisive(EngineOptions()), decisive(EngineOptions(workspace_mib=512))
    assert before["build.ort"] == after["build.ort"]
    assert before["build.rtx"] != after["build.rtx"]


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        ({"targets": ("deepstream-8",)}, "target 'deepstream-8' is not known. Choose deepstream-8.0"),
        (
            {"targets": ("rtx",), "options": EngineOptions(hardware="ampere+")},
            "rtx does not support --hardware ampere+",
        ),
    ],
)
def test_what_no_target_can_do_is_refused_before_any_work(chosen: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        settings(**chosen).check(Pack("mine", (MODEL,)))
    assert sentence in caught.value.line()


def test_several_profiles_are_refused_for_a_target_that_uses_one() -> None:
    with pytest.raises(InputError, match="executes profile 0 alone"):
        settings("1+8", targets=("deepstream-8.0",)).check(Pack("mine", (MODEL,)))


def test_the_emitted_folder_builds_with_a_trtexec(tmp_path: Path) -> None:
    """What a user copies to the machine with the GPU: run with a trtexec that knows the flags of that release."""
    root = tmp_path / "store"
    with open_store(root, "mine", Remembering()) as store:
        chosen = settings("1,4,8", "1,2,4", targets=("deepstream-8.0",))
        steps = [*graphs(), *plan(Pack("mine", (MODEL,)), chosen)]
        store.run_all(steps)
        engines = [record for record in store.manifest.records if record.check == "build.deepstream-8.0"]
    assert {verdict.status for record in engines for verdict in record.verdicts} == {Status.NOT_RUN}
    assert "sh build_engines.sh" in engines[0].verdicts[0].reason
    folder = root / "build" / "deepstream-8.0"
    trtexec = fake_trtexec.install(tmp_path / "bin", "10.9.0.34")
    done = subprocess.run(
        ["sh", "build_engines.sh"], cwd=folder, env={"PATH": "/usr/bin:/bin", "TRTEXEC": str(trtexec)}, check=False
    )
    assert done.returncode == 0
    assert (folder / "b1-4-8_64x96" / "tiny.fp16.onnx_b8_gpu0_fp16.engine").is_file()
    assert (folder / "b1-2-4_64x96" / "tiny.fp32.onnx_b4_gpu0_fp32.engine").is_file()


def test_a_real_engine_and_its_description(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    chosen = settings("1+1,4,8", targets=("rtx",), precisions=("fp16",), cache=cache)
    described = []
    for name in ("first", "second"):
        with open_store(tmp_path / name, "mine", Remembering()) as store:
            store.run_all([*graphs(), *plan(Pack("mine", (MODEL,)), chosen)])
            [record] = [record for record in store.manifest.records if record.check == "build.rtx"]
            described.append((record.artifacts, record.verdicts, record.notes))
    assert described[0] == described[1]  # the second from the cache, to the byte
    sidecar = json.loads((tmp_path / "first/build/rtx/tiny.fp16.engine.json").read_text())
    assert len(sidecar["tensors"][0]["shapes"]) == 2
    assert sidecar["provenance"]["provenance"]["builder"] == "rtx"
    assert {verdict.check for verdict in described[0][1]} == {
        "build.rtx.compiles",
        "build.rtx.precision",
        "build.rtx.executes",
    }
