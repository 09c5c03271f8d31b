from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_pictures_are_listed_without_opencv(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    code = (
        "import pathlib, sys; from batchproof.pipeline.picture_folder import picture_files;"
        f"print(*[path.name for path in picture_files(pathlib.Path({str(tmp_path)!r}))], 'cv2' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["a.jpg", "False"]
