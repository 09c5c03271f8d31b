from __future__ import annotations

from pathlib import Path

import pytest

from batchproof.errors import InputError
from batchproof.profile import EngineProfiles, Profile
from batchproof.profile_choice import FILE_NAME, ProfileChoice, choose, read
from batchproof.zoo.pack import DEMO

SIZE = (640, 640)
DETECTOR, EMBEDDER = DEMO.models


def written(folder: Path, text: str) -> Path:
    path = folder / FILE_NAME
    path.write_text(text, encoding="utf-8")
    return path


def test_what_is_typed_is_for_every_model() -> None:
    choice = ProfileChoice.parse(["1+1,16,32"], (480, 640))
    assert choice.of("any") == (EngineProfiles.parse("1+1,16,32", height=480, width=640),)
    assert choice.overall("any") == Profile(1, 16, 32, 480, 640)


def test_several_texts_are_several_engines() -> None:
    choice = ProfileChoice.parse(["1+8", "8,64"], SIZE)
    assert choice.of("any") == (EngineProfiles.parse("1+8"), EngineProfiles.parse("8,64"))
    assert choice.overall("any") == Profile(1, 64, 64)


def test_a_file_chooses_for_each_model(tmp_path: Path) -> None:
    path = written(tmp_path, 'default = "1,8"\n[models]\ndet = "1+1,8,16@320x320"\nrec = ["1", "1,32,64"]')
    choice = read(path, SIZE)
    assert choice.of("det") == (EngineProfiles((Profile(1, 1, 1), Profile(1, 8, 16, 320, 320))),)
    assert choice.of("rec") == (EngineProfiles.parse("1"), EngineProfiles.parse("1,32,64"))
    assert choice.of("other") == (EngineProfiles.parse("1,8"),)


def test_a_file_need_not_name_a_default(tmp_path: Path) -> None:
    assert read(written(tmp_path, '[models]\ndet = "4"'), SIZE).of("other") == (EngineProfiles.parse("1,16,32"),)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('defualt = "1"', "profiles refused: defualt: Unexpected"),
        ("default = 8", "default"),
        ('[models]\ndet = "8,4,2"', "profile 8,4,2 is not minimum <= optimum <= maximum"),
        ("[models]\ndet = []", "an empty list of profiles is no engine"),
        ('[models]\ndet = ["8", "1,8,8"]', "profile 1,8,8@640x640 is asked for twice"),
        ("[models", "not a TOML file"),
    ],
)
def test_a_refused_file_is_named_with_its_fault(tmp_path: Path, text: str, sentence: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(InputError) as caught:
        read(path, SIZE)
    assert caught.value.line().startswith(f"{path}: ")
    assert sentence in caught.value.line()


def test_typed_beats_a_named_file_and_that_the_pack_s_own(tmp_path: Path) -> None:
    own, named = tmp_path / "pack", tmp_path / "named"
    own.mkdir()
    named.mkdir()
    written(own, 'default = "2"')
    file = written(named, 'default = "3"')
    assert choose(["4"], file, own, SIZE).overall("any").maximum == 4
    assert choose([], file, own, SIZE).overall("any").maximum == 3
    assert choose([], None, own, SIZE).overall("any").maximum == 2
    assert choose([], None, tmp_path, (64, 96)).overall("any") == Profile(1, 16, 32, 64, 96)
    assert choose([], None, None, SIZE).overall("any").maximum == 32


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        choose([], tmp_path / "none.toml", None, SIZE)


def test_models_that_the_pack_lacks_are_refused() -> None:
    choice = ProfileChoice(models={"det_10g": (EngineProfiles(),), DETECTOR.name: (EngineProfiles(),)})
    with pytest.raises(InputError) as caught:
        choice.check(DEMO)
    assert caught.value.line() == (
        "profiles are chosen for 'det_10g', which is no model of pack demo. "
        "Its models are scrfd_500m_kps, mobilefacenet."
    )


def test_sizes_are_checked_for_the_models_whose_size_is_free() -> None:
    odd = (EngineProfiles.parse("1+8@320x320,600x640,640x640"),)
    ProfileChoice(models={EMBEDDER.name: odd}).check(DEMO)
    with pytest.raises(InputError, match="image size 600x640 is no multiple of 32"):
        ProfileChoice(models={DETECTOR.name: odd}).check(DEMO)


def test_engines_that_differ_only_in_sizes_are_one_for_a_model_of_fixed_size() -> None:
    choice = ProfileChoice.parse(["8@320x320", "8@640x640", "8@320x320+8@640x640"], SIZE)
    assert [engine.tag(EMBEDDER.spec) for engine in choice.engines(EMBEDDER)] == ["b1-8-8"]
    assert choice.engines(DETECTOR) == choice.of(DETECTOR.name)
