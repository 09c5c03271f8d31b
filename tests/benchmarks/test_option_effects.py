from pathlib import Path
from typing import cast

from batchproof.build.tensorrt.summary import EngineSummary
from batchproof.engine_options import EngineOptions
from benchmarks.option_effects import CHOICES, always, differing, effects

PLAIN = (b"engine", b"enGine")


class Summary:
    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


def test_every_choice_is_compared_with_the_first_builds_without_options(tmp_path: Path) -> None:
    engine, rounds = tmp_path / "tiny.engine", 2
    written = iter((*PLAIN, *PLAIN, b"Engine", b"EnGine", *PLAIN, *PLAIN, b"engine00", b"enGine00"))
    chosen: list[EngineOptions] = []

    def build(options: EngineOptions) -> EngineSummary:
        chosen.append(options)
        engine.write_bytes(next(written))
        return cast(EngineSummary, Summary(1.0 / len(chosen)))

    found = {effect.options: effect for effect in effects(engine, build, rounds)}
    assert [(effect.differing, effect.always) for effect in found.values()] == [
        (1, 0),
        (1, 0),
        (2, 1),
        (1, 0),
        (1, 0),
        (None, None),
    ]
    assert list(found) == list(CHOICES)
    assert chosen == [options for options in CHOICES.values() for _ in range(rounds)]
    assert (found["TF32"].seconds, found["TF32"].sizes) == (1 / 6, (6,))


def test_what_single_builds_differ_in_is_no_effect() -> None:
    assert always([b"engine", b"Engine"], PLAIN) == 0
    assert always([b"Engine"], [*PLAIN, b"Engine"]) == 0
    assert differing([b"Engine"], PLAIN) == 2


def test_engines_of_several_sizes_have_no_byte_in_common() -> None:
    assert always([b"Engine", b"Engine0"], PLAIN) is None
    assert differing([b"Engine", b"Engine0"], PLAIN) == 2
