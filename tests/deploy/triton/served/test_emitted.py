"""What `deploy triton` writes, served as it is by a real tritonserver, with the options that the bundle serves it with.

The networks of the onnxruntime and tensorrt bundles are executed by stand-ins: configuration, names, shapes and
batching are real, plans are not.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from batchproof.artifacts import layout
from batchproof.deploy.triton import paths
from batchproof.deploy.triton.from_store import Wishes, plan_from_store
from batchproof.deploy.triton.manifest import KIND
from batchproof.deploy.triton.memory import shared_memory
from batchproof.deploy.triton.plan import Backend, RepositoryPlan
from batchproof.deploy.triton.repository import package_sources, repository_files
from batchproof.deploy.triton.scripts import server_options
from batchproof.deploy.triton.server.server import ServerOptions, running_server
from batchproof.deploy.write import write_bundle
from batchproof.pipeline.pictures import Picture
from batchproof.targets import target
from tests.deploy.deepstream.stores import PRECISION, store
from tests.deploy.triton.packs import ServedPack
from tests.deploy.triton.plans import BACKENDS
from tests.deploy.triton.served.asking import ask, ask_frame, client

pytestmark = pytest.mark.served
RELEASE = "triton-26.06"


def emitted(pack: ServedPack, backend: Backend, root: Path, **wishes: Any) -> tuple[Path, RepositoryPlan]:
    """A store of the real pack, and the bundle that is made of it; plans are not opened, so none need be there."""
    (root / "store" / "surgery").mkdir(parents=True)
    networks = (pack.pipeline.detector, pack.pipeline.embedder, *pack.pipeline.heads)
    for network in networks:
        onnx.save(onnx.load(pack.files[network.model]), root / "store" / layout.repaired(network.name, PRECISION))
    specs = {network.name: network.spec for network in networks}
    manifest = store(root / "store", specs, release=RELEASE, profile="1,4,8@640x640")
    planned = plan_from_store(root / "store", manifest, target(RELEASE), Wishes(PRECISION, backend, **wishes))
    texts = repository_files(planned.plan, package_sources())
    copies = {path: (root / "store" / planned.stored[path], sha) for path, sha in planned.plan.files.items()}
    write_bundle(KIND, root / "bundle", texts, copies)
    return root / "bundle", planned.plan


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_bundle_is_served_as_it_was_written(
    pack: ServedPack, pictures: list[Picture], tmp_path: Path, backend: Backend
) -> None:
    bundle, plan = emitted(pack, backend, tmp_path)
    options = ServerOptions(
        config_name=paths.REHEARSAL if plan.on_gpu else None, stand_ins=backend != "python", more=server_options(plan)
    )
    with running_server(bundle / paths.REPOSITORY, options) as server:
        check = ["sh", str(bundle / paths.RUN_SCRIPT), "check"]
        subprocess.run(check, env={**os.environ, "TRITON_URL": f"http://{server.endpoints.http}"}, check=True)
        answers = [ask_frame(server, picture.pixels) for picture in pictures]
        with client(server) as connection:
            for network in plan.networks:
                config = connection.get_model_config(network.model.stem, as_json=True)["config"]
                assert config["max_batch_size"] == 8
                assert config["dynamic_batching"]["preferred_batch_size"] == [4, 8]
                warmed = connection.get_inference_statistics(network.model.stem).model_stats[0]
                assert 8 in [one.batch_size for one in warmed.batch_stats]
    assert set(answers[0]) == {output.name for output in plan.outputs}
    faces = [int(answer["num_faces"][0, 0]) for answer in answers]
    assert sum(faces) >= 10
    for answer, found in zip(answers, faces, strict=True):
        assert answer["boxes"].shape == (1, found, 4)
        assert np.allclose(np.linalg.norm(answer["normed_embeddings"][0], axis=1), 1, atol=1e-5)


def test_the_largest_frames_at_once_fit_into_the_memory_that_the_service_is_given(
    pack: ServedPack, tmp_path: Path
) -> None:
    bundle, plan = emitted(pack, "python", tmp_path, frames=3, instances=1)
    frames = np.random.default_rng(0).integers(0, 256, (3, 4000, 6250, 3), np.uint8)
    assert frames.size == 3 * 3 * plan.parameters.max_pixels
    with running_server(bundle / paths.REPOSITORY, ServerOptions(more=server_options(plan))) as server:
        answers = [ask(server, frame=frames) for _ in range(3)]
        regions = Path("/dev/shm").glob(f"{server.memory_prefix}*")  # they grow, and never shrink
        used = sum(region.stat().st_blocks * 512 for region in regions) / 2**20
    assert [len(answer["num_faces"]) for answer in answers] == [3, 3, 3]
    assert frames.size / 2**20 < used <= shared_memory(plan).mib
