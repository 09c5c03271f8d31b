"""`batchproof deploy client` and `deploy stats` as users meet them: processes against a server, stopped and killed."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.deploy.triton.client.fake_faces import REFUSED, FakeFaces, frame
from tests.deploy.triton.client.processes import has_lines, lines, names, started
from tests.deploy.triton.client.serving import SCHEMES, serving
from tests.deploy.triton.client.test_faces_client import written
from tests.test_cli import UNWRITABLE, batchproof

both = pytest.mark.parametrize("scheme", SCHEMES)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Twelve pictures in a folder of their own."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for index in range(12):
        written(folder / f"{index:02}.png", frame(index % 4, shade=10 + index))
    return folder


@both
def test_a_line_for_each_picture_and_what_the_run_has_cost(scheme: str, photos: Path, tmp_path: Path) -> None:
    with serving(scheme, FakeFaces()) as server:
        done = batchproof("deploy", "client", server.url, photos, tmp_path / "photos" / "03.png", "--stats")
    found = lines(done.stdout)
    assert done.returncode == 0, done.stderr
    assert sorted(line["picture"] for line in found) == sorted(map(str, photos.iterdir()))
    assert {Path(line["picture"]).stem: len(line["faces"]) for line in found}["03"] == 3
    face = next(line for line in found if line["faces"])["faces"][0]
    assert list(face) == ["box", "score", "keypoints", "embedding", "landmarks", "male", "age"]
    assert "12 pictures answered, 0 failed, 18 faces" in done.stderr
    assert any(row.split()[:5] == ["faces", "12", "0", "12", "12"] for row in done.stderr.splitlines()), done.stderr


def test_one_that_fails_does_not_stop_the_others(photos: Path, tmp_path: Path) -> None:
    written(photos / "05.png", frame(1, corner=REFUSED))
    (photos / "\x1b[31m\n.jpg").write_bytes(b"no picture")
    output = tmp_path / "faces.jsonl"
    with serving("grpc", FakeFaces()) as server:
        done = batchproof("deploy", "client", server.url, photos, "-o", output, "--json", "--embeddings", "none")
        document = json.loads(done.stdout)
        assert (done.returncode, document["exit_code"]) == (1, 1)
        assert (document["answered"], document["failed"], document["skipped"]) == (11, 2, 0)
        assert (document["models"][0]["model"], document["models"][0]["failed"]) == ("faces", 2)
        assert 0 < document["milliseconds"]["p50"] <= document["milliseconds"]["max"]
        failed = {line["picture"]: line["error"] for line in lines(output.read_text()) if "error" in line}
        assert "it was meant to be refused" in failed[str(photos / "05.png")]
        assert "not a readable picture" in failed[str(photos / "\x1b[31m\n.jpg")]
        assert "\x1b" not in output.read_text() + done.stderr
        written(photos / "05.png", frame(2))
        (photos / "\x1b[31m\n.jpg").unlink()
        again = batchproof("deploy", "client", server.url, photos, "-o", output, "--embeddings", "none")
    assert again.returncode == 0
    assert "1 pictures answered, 11 had theirs before, 0 failed" in again.stderr
    assert sorted(name for name in names(output) if name[0].isdigit()) == [f"{index:02}.png" for index in range(12)]


@pytest.mark.parametrize(("scheme", "send"), [("grpc", "files"), ("http", "shared-memory")])
def test_a_killed_client_is_gone_on_with(scheme: str, send: str, photos: Path, tmp_path: Path) -> None:
    output, faces = tmp_path / "faces.jsonl", FakeFaces(delay=0.15)
    wanted = (photos, "-o", output, "--send", send, "--concurrency", "1")
    with serving(scheme, faces) as server:
        client = started(server.url, *wanted)
        has_lines(output, 3)
        client.kill()
        client.communicate(timeout=30)
        with output.open("a") as stream:
            stream.write('{"picture": "half')
        before, faces.delay = faces.answered, 0.0
        done = batchproof("deploy", "client", server.url, *wanted)
    assert done.returncode == 0, done.stderr
    assert sorted(names(output)) == [f"{index:02}.png" for index in range(12)]
    assert before < 12
    assert faces.answered <= 12 + 1, "what was answered before is not asked for again"
    assert faces.regions == {}


@pytest.mark.parametrize(("scheme", "send"), [("grpc", "shared-memory"), ("http", "frames")])
def test_an_interrupted_client_leaves_what_is_done(scheme: str, send: str, photos: Path, tmp_path: Path) -> None:
    output, faces = tmp_path / "faces.jsonl", FakeFaces(delay=0.2)
    with serving(scheme, faces) as server:
        client = started(server.url, photos, "-o", output, "--send", send, "--concurrency", "2")
        has_lines(output, 2)
        client.send_signal(signal.SIGINT)
        stdout, stderr = client.communicate(timeout=30)
    found = names(output)
    assert client.returncode == 130
    assert 2 <= len(found) == len(set(found)) < 12
    assert f"interrupted: {len(found)} of 12 lines are written" in stderr
    assert "Traceback" not in stderr
    assert (stdout, faces.regions, faces.in_flight) == ("", {}, 0)
    assert [path.name for path in tmp_path.iterdir() if "lock" in path.name] == []


def test_a_server_that_dies_leaves_an_error_for_every_picture(photos: Path) -> None:
    with serving("http", FakeFaces(dies_after=3)) as server:
        done = batchproof("deploy", "client", server.url, photos, "--retries", "0", "--concurrency", "1")
    found = lines(done.stdout)
    assert (done.returncode, len(found)) == (1, 12)
    assert [("faces" in line, "no answer" in line.get("error", "")) for line in found].count((False, True)) == 9


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("127.0.0.1:8001", "PHOTOS"), "grpc://127.0.0.1:8001 or http://127.0.0.1:8000"),
        (("grpc://127.0.0.1:1", "PHOTOS"), "no answer"),
        (("http://127.0.0.1:1", "PHOTOS", "--wait", "0.3"), "wait for it with --wait"),
        (("http://127.0.0.1:1", "gone.jpg"), "gone.jpg: is not there"),
        (("http://127.0.0.1:1", "PHOTOS", "--json"), "--json needs -o FILE"),
        (("http://127.0.0.1:1", "PHOTOS", "--again"), "--again needs -o FILE"),
        (("http://192.0.2.1:1", "PHOTOS", "-o", str(UNWRITABLE)), "cannot be written"),
    ],
)
def test_what_cannot_be_done_is_one_line(arguments: tuple[str, ...], told: str, photos: Path) -> None:
    done = batchproof("deploy", "client", *(str(photos) if one == "PHOTOS" else one for one in arguments))
    (line,) = done.stderr.splitlines()
    assert (done.returncode, line.startswith("batchproof: error: ")) == (2, True)
    assert told in line


def test_a_reader_that_has_seen_enough_is_no_error(photos: Path) -> None:
    with serving("grpc", FakeFaces()) as server:
        client = started(server.url, photos, "--concurrency", "1")
        assert client.stdout is not None
        json.loads(client.stdout.readline())
        client.stdout.close()
        assert client.stderr is not None
        told = client.stderr.read()
        client.stderr.close()
        assert client.wait(30) in (0, 1)
    assert "Traceback" not in told


@both
def test_stats_tell_what_each_model_has_done(scheme: str) -> None:
    with serving(scheme, FakeFaces(answered=30, failed=2)) as server:
        shown = batchproof("deploy", "stats", server.url)
        document = json.loads(batchproof("deploy", "stats", server.url, "--json").stdout)
    assert shown.returncode == 0
    assert shown.stdout.splitlines()[-1] == "ready"
    row = ["faces", "30", "2", "30", "30", "1.00", "2.00", "3.00"]
    assert row in [line.split() for line in shown.stdout.splitlines()]
    assert "faces: 30 of 1" in shown.stdout.splitlines()
    assert document["models"][0]["requests"] == 30
    assert (document["not_ready"], document["exit_code"]) == (None, 0)


def test_stats_of_a_server_that_is_not_ready_are_told_and_exit_with_one() -> None:
    with serving("http", FakeFaces(serves=False)) as server:
        done = batchproof("deploy", "stats", server.url)
    assert done.returncode == 1
    assert "not ready: the server is ready, its model faces is absent or not ready" in done.stdout
