"""The parsers under AddressSanitizer and UBSan."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from tests.deploy.deepstream.parser import fuzz
from tests.deploy.deepstream.parser.parser_library import ParserLibrary, run

EXAMPLES = 150


def test_no_list_of_layers_crashes_the_parsers(sanitized: ParserLibrary) -> None:
    preloaded = " ".join(run("g++", f"-print-file-name={name}").strip() for name in ("libasan.so", "libubsan.so"))
    sanitizers = {"LD_PRELOAD": preloaded, "PYTHONMALLOC": "malloc", "ASAN_OPTIONS": "detect_leaks=0"}
    command = [sys.executable, "-m", fuzz.__name__, str(sanitized.file), str(sanitized.shim), str(EXAMPLES)]
    done = subprocess.run(command, env=os.environ | sanitizers, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-5000:]
    frames, with_faces = map(int, re.findall(r"\d+", done.stdout))
    assert frames >= EXAMPLES
    assert with_faces > frames / 10
    assert "are not finite: those faces are dropped" in done.stderr
