"""`make parser` and `make check`, as users call them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.deploy.deepstream.parser.parser_library import BUNDLE, SANITIZED, ParserLibrary, into, make, run

LIBRARY = "libbatchproof_scrfd_parser.so"


@pytest.fixture(scope="module")
def check(library: ParserLibrary) -> Path:
    """The program behind `make check`, made beside the library."""
    made = library.file.parent
    assert "parser_check: ok" in make("8.0", *into(made), "check-parser")
    return made / "parser_check"


def test_the_check_passes_under_sanitizers_and_all_memory_is_freed(sanitized: ParserLibrary) -> None:
    assert "parser_check: ok" in make("9.1", *into(sanitized.file.parent, SANITIZED), "check-parser")


def test_fast_mathematics_does_not_compile(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="-ffast-math rounds otherwise"):
        make("8.0", f"BUILD={tmp_path / 'build'}", "CXXFLAGS=-O2 -ffast-math", "parser")


def test_the_library_keeps_nothing_between_calls(library: ParserLibrary) -> None:
    """Any number of nvinfers may share it: everything writable belongs to the loader and to exceptions."""
    symbols = [line.split(maxsplit=2)[-2:] for line in run("nm", "-C", str(library.file)).splitlines()]
    writable = [name for kind, name in symbols if kind in "bBdD"]
    assert writable
    assert not [name for name in writable if not name.startswith(("_", "completed.", "DW.ref."))]


def test_a_library_that_is_none_cannot_be_checked(check: Path, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="cannot open shared object file"):
        run(str(check), str(tmp_path / LIBRARY))
    with pytest.raises(AssertionError, match="usage: parser_check LIBRARY"):
        run(str(check))


def test_only_changed_settings_build_anew(tmp_path: Path) -> None:
    compiler = tmp_path / "compiler"
    compiler.write_text('#!/bin/sh\nfor made; do :; done\ntouch "$made"\n')
    compiler.chmod(0o755)
    settings = (f"BUILD={tmp_path / 'build'}", f"CXX={compiler}", "parser")
    assert "-DNVDS_VERSION_MAJOR=8" in make("8.0", *settings)
    assert LIBRARY not in make("8.0", *settings)
    assert "-DNVDS_VERSION_MAJOR=9" in make("9.0", *settings)
    assert "-DBATCHPROOF_NMS_IOU=0.5" in make("9.0", *settings, "NMS_IOU=0.5")


def test_the_version_is_taken_from_what_is_installed_and_never_guessed(tmp_path: Path) -> None:
    installed = tmp_path / "nvds_version.h"
    installed.write_text("#define NVDS_VERSION_MAJOR 9\n#define NVDS_VERSION_MINOR 1\n#define NVDS_VERSION_MICRO 0\n")
    dry = ("make", "-n", "-C", str(BUNDLE), f"BUILD={tmp_path / 'build'}", "parser")
    said = run(*dry, f"NVDS_HEADERS={tmp_path}")
    assert "-DNVDS_VERSION_MAJOR=9 -DNVDS_VERSION_MINOR=1" in said
    with pytest.raises(AssertionError, match=r"NVDS_VERSION=8\.0, but .* is of 9\.1"):
        run(*dry, f"NVDS_HEADERS={tmp_path}", "NVDS_VERSION=8.0")
    with pytest.raises(AssertionError, match=r"no DeepStream in /nowhere: say which one"):
        run(*dry, "NVDS_HEADERS=/nowhere")
