from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import batchproof
from batchproof.deploy.triton.serving.sources import network_source, served_sources

PACKAGE = Path(batchproof.__file__).parents[1]
# Runs where nothing is installed but numpy and OpenCV, and says which modules of batchproof are loaded from where.
_LOAD = """
import importlib.abc, sys
class Nothing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        top = name.partition(".")[0]
        if top in ALLOWED or top in sys.stdlib_module_names or top.startswith("_"):
            return None
        raise ImportError(f"{name} is not in the server")
ALLOWED = {"batchproof", "numpy", "cv2"}
sys.meta_path.insert(0, Nothing())
sys.path.insert(0, sys.argv[1])
for name in sys.argv[2:]:
    __import__(name)
print(*sorted(module.__file__ for name, module in sys.modules.items() if name.split(".")[0] == "batchproof"), sep="\\n")
"""


def lay(folder: Path) -> dict[str, str]:
    sources = served_sources()
    for name, text in sources.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return sources


def test_they_are_the_packages_own_files_byte_for_byte() -> None:
    sources = served_sources()
    model = PACKAGE / "batchproof/deploy/triton/serving/faces/model.py"
    assert sources.pop("model.py").encode() == model.read_bytes()
    assert len(sources) > 20
    for name, text in sources.items():
        assert text.encode() == (PACKAGE / name).read_bytes()


def test_they_are_all_that_is_needed_and_nothing_else(tmp_path: Path) -> None:
    """What `model.py` imports is imported from the copy; what that loads, and no more, is the copy."""
    sources = lay(tmp_path)
    entries = [
        f"batchproof.deploy.triton.serving.{name}"
        for name in ("contract", "network_runner", "parameters", "pipeline_file", "service")
    ]
    command = [sys.executable, "-I", "-c", _LOAD, str(tmp_path), *entries]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert loaded == sorted(str(tmp_path / name) for name in sources if name != "model.py")


def test_neither_tests_nor_stages_go_along() -> None:
    folders = {name.split("/")[1] for name in served_sources() if name.count("/") > 1}
    assert folders == {"deploy", "pipeline", "zoo"}


def test_a_network_needs_nothing_of_batchproof() -> None:
    assert "import batchproof" not in network_source()
    assert "from batchproof" not in network_source()
