"""`align.mk` where it depends on settings; what it builds is tested in `test_cuda.py`."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.deploy.deepstream.align.native import BUNDLE


def test_only_changed_limits_build_anew(tmp_path: Path) -> None:
    compiler = tmp_path / "compiler"
    compiler.write_text('#!/bin/sh\nfor made; do :; done\ntouch "$made"\n')
    compiler.chmod(0o755)
    build = tmp_path / "build"
    settings = (f"BUILD={build}", f"CXX={compiler}", "NVDS_HEADERS=/nowhere", f"{build}/align_preprocess.o")

    def made(*limits: str) -> str:
        command = ["make", "-C", str(BUNDLE), "-f", "align/align.mk", *settings, *limits]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert "-DBATCHPROOF_NMS_IOU=0.4 -DBATCHPROOF_MAX_FACES=4096" in made()
    assert "preprocess_align.cpp" not in made()
    assert "-DBATCHPROOF_NMS_IOU=0.3" in made("NMS_IOU=0.3")
    assert "-DBATCHPROOF_MAX_FACES=9" in made("NMS_IOU=0.3", "MAX_FACES=9")
