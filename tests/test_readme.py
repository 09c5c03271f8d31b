"""The README speaks of commands, sessions and files that exist."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
COMMANDS = sorted(set(re.findall(r"^    (batchproof [^\n]*?)(?:   .*)?$", README, re.MULTILINE)))
SESSIONS = sorted({name for line in re.findall(r"nox -s ([^\n`]*)", README) for name in line.split(" --")[0].split()})


@pytest.mark.parametrize("command", COMMANDS)
def test_every_verb_and_option_of_the_readme_exists(command: str) -> None:
    words = shlex.split(command)[1:]
    verb = [word for word in words[:2] if word.isalpha() and word.islower()]
    done = subprocess.run(
        [sys.executable, "-m", "batchproof", *verb, "--help"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for option in re.findall(r"--[a-z0-9]+", command):
        assert option in done.stdout


def test_the_readme_names_sessions_that_exist() -> None:
    defined = re.findall(r"@nox\.session\ndef (\w+)", (REPOSITORY / "noxfile.py").read_text())
    assert {"export", "build", "validate", "tests"} <= set(SESSIONS) <= set(defined)


def test_every_file_that_the_readme_links_to_exists() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (REPOSITORY / target).exists(), target


def test_ci_runs_the_commands_of_the_readme() -> None:
    script = (REPOSITORY / ".ci" / "run").read_text()
    for command in ("python -m pip install --quiet nox", "nox -s tests", "nox -s export build validate"):
        assert command in script
        assert command.replace(" --quiet", "") in README
