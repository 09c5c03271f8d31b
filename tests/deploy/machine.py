"""A machine on which a bundle's `run.sh` is run."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path


class Machine:
    """A bundle of these texts, and stand-ins for some programs, which write down how they were called."""

    def __init__(self, folder: Path, texts: Mapping[str, str], *programs: str) -> None:
        self.bundle, self.calls = folder / "a bundle", folder / "calls"
        self._programs = folder / "bin"
        for path, text in texts.items():
            (self.bundle / path).parent.mkdir(parents=True, exist_ok=True)
            (self.bundle / path).write_text(text)
        self._programs.mkdir()
        for name in programs:
            program = self._programs / name
            program.write_text(f'#!/bin/sh\necho {name} "$@" >>"{self.calls}"\n')
            program.chmod(0o755)

    def run(self, *words: str, **environment: str) -> tuple[int, list[str]]:
        variables = {"PATH": f"{self._programs}:/usr/bin:/bin", "HOME": os.environ.get("HOME", "/"), **environment}
        script = [shutil.which("sh") or "/bin/sh", "a bundle/run.sh", *words]
        done = subprocess.run(
            script, cwd=self.bundle.parent, env=variables, check=False, capture_output=True, timeout=60
        )
        return done.returncode, self.calls.read_text().splitlines() if self.calls.exists() else []

    def engines(self, script: str) -> None:
        """Put `build_engines.sh` there."""
        (self.bundle / "engines").mkdir()
        (self.bundle / "engines" / "build_engines.sh").write_text(script)
