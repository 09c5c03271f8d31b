"""The C++ application whole, on GStreamer as it is and elements that only have DeepStream's names."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.deploy.deepstream.align.native import BUNDLE, compile_shared, compiler
from tests.deploy.deepstream.sdk import gstreamer, system_headers

HERE = Path(__file__).parent
CONFIG = """\
# deepstream-app's
[source0]
uri=file:///first.mp4
[source1]
uri=file:///second.mp4
[streammux]
live-source=0
# one frame of every source
batch-size=4
width=1280
height=720
nvbuf-memory-type=2
[primary-gie]
config-file=pgie.txt
[tracker]
ll-lib-file=/opt/tracker.so
ll-config-file=tracker.yml
tracker-width=640
tracker-height=384
[secondary-pre-process0]
config-file=crops.txt
[secondary-gie0]
config-file=sgie.txt
gie-unique-id=2
"""


@pytest.fixture(scope="module")
def built(need_compiler: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the application by its own rules, but for DeepStream's libraries, and the elements."""
    folder = tmp_path_factory.mktemp("face_app")
    headers = system_headers()
    libraries = [*gstreamer("--libs"), "-lgstbase-1.0"]
    compile_shared(folder / "libfakedeepstream.so", [HERE / "fake_elements.cpp"], "-O0", *headers, *libraries)
    flags = f"-O0 {' '.join(headers)} -Wpedantic -Werror"
    linked = f"app_libraries={HERE / 'fake_metadata.cpp'} {' '.join(libraries)}"
    where = (f"BUILD={folder}", f"CXX={compiler()}", f"CXXFLAGS={flags}", linked)
    make = ["make", "-C", str(BUNDLE), "-f", "app/app.mk", *where]
    done = subprocess.run(make, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "configs" / "app.txt"
    path.parent.mkdir()
    path.write_text(CONFIG)
    (path.parent / "sgie.txt").write_text("[property]\noutput-blob-names=embedding;\n")
    return path


def run(built: Path, config: Path, *arguments: str, plugins: bool = True, nan: bool = False) -> tuple[int, str, str]:
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("GST_")},
        **{"GST_REGISTRY": str(built / f"registry{plugins}"), "GST_PLUGIN_PATH": str(built) if plugins else ""},
        **({"FAKE_NAN": "1"} if nan else {}),
    }
    command = [str(built / "face_app"), "--config", str(config), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=60)
    return done.returncode, done.stdout, done.stderr


def test_every_face_of_every_frame_is_a_line_and_nothing_else_is_on_stdout(built: Path, config: Path) -> None:
    status, stdout, stderr = run(built, config, "--embeddings")
    assert status == 0, stderr
    lines = [json.loads(line) for line in stdout.splitlines()]
    assert [line["track"] for line in lines] == [7, 8] * 6
    assert lines[0]["embedding"] == pytest.approx([0.6, -0.8], abs=1e-7)
    assert lines[1]["embedding"] is None
    assert stderr.endswith("face_app: 6 frames, 12 faces, 6 embeddings, 0 broken: zero or not finite\n")


def test_elements_are_told_what_the_configuration_says(built: Path, config: Path) -> None:
    _, _, stderr = run(built, config)
    folder = config.parent
    told = [
        *(
            'source0.uri="file:///first.mp4"',
            'source1.uri="file:///second.mp4"',
            "asked for sink_0",
            "asked for sink_1",
        ),
        *("mux.batch-size=2", "mux.width=1280", "mux.height=720", "mux.live-source=FALSE", "mux.nvbuf-memory-type=2"),
        f'detector.config-file-path="{folder}/pgie.txt"',
        *('tracker.ll-lib-file="/opt/tracker.so"', f'tracker.ll-config-file="{folder}/tracker.yml"'),
        *("tracker.tracker-width=640", "tracker.tracker-height=384"),
        *(f'crops.config-file="{folder}/crops.txt"', f'embedder.config-file-path="{folder}/sgie.txt"'),
    ]
    assert not [line for line in told if line not in stderr.splitlines()]


def test_other_sources_and_an_end(built: Path, config: Path, tmp_path: Path) -> None:
    output = tmp_path / "faces.jsonl"
    status, _, stderr = run(built, config, "file:///mine.mp4", "--live", "--max-frames", "2", "--output", str(output))
    assert status == 0, stderr
    assert len(output.read_text().splitlines()) == 4
    assert "face_app: 2 frames" in stderr


def test_a_source_that_fails_is_one_line_and_a_status(built: Path, config: Path) -> None:
    status, stdout, stderr = run(built, config, "file:///broken.mp4")
    assert (status, stdout) == (1, "")
    assert stderr.splitlines()[-1] == "face_app: error: source0: no such file"


def test_an_engine_that_gives_nan_is_a_failure(built: Path, config: Path) -> None:
    status, _, stderr = run(built, config, nan=True)
    assert status == 1
    assert "6 broken" in stderr


def test_without_deepstream_it_says_so(built: Path, config: Path) -> None:
    status, stdout, stderr = run(built, config, plugins=False)
    assert (status, stdout) == (1, "")
    assert stderr.endswith("is this DeepStream?\n")


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("ll-lib-file=/opt/tracker.so\n", "", "[tracker] has no ll-lib-file"),
        ("batch-size=4", "batch-size=many", "[streammux] has no number batch-size"),
        ("gie-unique-id=2\n", "", "[secondary-gie0] has no number gie-unique-id"),
        ("config-file=sgie.txt", "config-file=nowhere.txt", "nowhere.txt: No such file or directory"),
        ("batch-size=4", "batch-size=1", "this bundle is for 1 to 1 sources"),
        ("[source0]", "[source9]", "this bundle is for 1 to 4 sources"),
        ("# deepstream-app's", "not a key file", "Key file contains line"),
    ],
)
def test_a_configuration_that_cannot_be_followed_is_told(
    built: Path, config: Path, was: str, becomes: str, said: str
) -> None:
    config.write_text(CONFIG.replace(was, becomes))
    status, stdout, stderr = run(built, config)
    assert (status, stdout) == (2, "")
    assert said in stderr
    assert stderr.startswith("face_app: error: ")
    assert stderr.count("\n") == 1


@pytest.mark.parametrize("wrong", ["--max-frames=-1", "--max-frames=many", "--unknown"])
def test_arguments_that_cannot_be_are_refused(built: Path, config: Path, wrong: str) -> None:
    status, stdout, stderr = run(built, config, wrong)
    assert (status, stdout, stderr.count("\n")) == (2, "", 1)
    assert stderr.startswith("face_app: error: ")


def test_an_output_that_cannot_be_written_is_told(built: Path, config: Path) -> None:
    status, _, stderr = run(built, config, "--output", str(config.parent))
    assert (status, stderr) == (2, f"face_app: error: {config.parent} cannot be written\n")
