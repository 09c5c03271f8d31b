from __future__ import annotations

import inspect

import pytest

from batchproof.cli import engine_options
from batchproof.engine_options import EngineOptions
from batchproof.targets.flags import FLAGS, typed_options


@pytest.mark.parametrize("flag", FLAGS.values())
def test_the_command_line_has_every_flag(flag: str) -> None:
    assert f'"{flag}"' in inspect.getsource(engine_options)


def test_options_are_named_as_they_were_typed() -> None:
    assert typed_options(EngineOptions()) == {}
    assert typed_options(EngineOptions(hardware="ampere+", workspace_mib=64)) == {
        "workspace_mib": "--workspace",
        "hardware": "--hardware ampere+",
    }
