"""What nvinfer relies on, whatever happens."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.deploy.deepstream.parser.parser_library import ParserLibrary, run

NO_MEMORY = Path(__file__).parent / "no_memory.cpp"
LIST_FACES = """
import sys
from pathlib import Path
from tests.deploy.deepstream.parser.nvinfer_layers import Layer
from tests.deploy.deepstream.parser.parser_library import ParserLibrary
from tests.deploy.deepstream.parser.raw_outputs import SIZE, crowd

parsers = ParserLibrary(*map(Path, sys.argv[1:])).opened()
layers = [Layer.of(name, values) for name, values in crowd().items()]
found, _ = parsers.masks(layers, SIZE)
print(len(found), (found["mask_size"] == 80).all(), len(parsers.boxes(layers, SIZE)) > 20)
"""


def test_no_exception_leaves_the_library_and_what_was_listed_is_whole(library: ParserLibrary, tmp_path: Path) -> None:
    preloaded = tmp_path / "no_memory.so"
    run("g++", "-std=c++17", "-fPIC", "-shared", str(NO_MEMORY), "-o", str(preloaded))
    command = [sys.executable, "-c", LIST_FACES, str(library.file), str(library.shim)]
    environment = os.environ | {"LD_PRELOAD": str(preloaded)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "2 True True\n"
    assert done.stderr == "batchproof: SCRFD parser: std::bad_alloc\n"
