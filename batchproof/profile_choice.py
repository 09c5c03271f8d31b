"""Which profiles each model of a pack is built with: typed, from a file of the pack, or the default."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from pydantic import ConfigDict, with_config

from batchproof.artifacts import toml_file
from batchproof.errors import InputError, first_few
from batchproof.profile import EngineProfiles, Profile
from batchproof.profile_text import Size
from batchproof.zoo.pack import Pack, PackModel

FILE_NAME = "profiles.toml"
DEFAULT = "1,16,32"
_EXAMPLE = 'default = "1,16,32" and under [models] det_10g = "1+1,8,16@640x640"'

Engines: TypeAlias = tuple[EngineProfiles, ...]
Texts: TypeAlias = str | list[str]


@dataclass(frozen=True)
class ProfileChoice:
    """The profiles of every engine of each model; several engines of a model are cells of a matrix.

    Raises `InputError` when a model gets no engine, or one twice.
    """

    default: Engines = (EngineProfiles(),)
    models: Mapping[str, Engines] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for engines in (self.default, *self.models.values()):
            if not engines:
                raise InputError("an empty list of profiles is no engine", remedy=f"Write {_EXAMPLE}")
            if len(set(engines)) < len(engines):
                twice = next(engine for engine in engines if engines.count(engine) > 1)
                raise InputError(f"profile {twice.text} is asked for twice", remedy="Leave one away")

    @classmethod
    def parse(cls, texts: Sequence[str], size: Size) -> ProfileChoice:
        """Read one text for each engine, the same for every model; `size` is for profiles that name none.

        Raises `InputError` like `EngineProfiles.parse`.
        """
        return cls(_engines(texts, size))

    def of(self, model: str) -> Engines:
        """Return the profiles of every engine of the model of this name."""
        return self.models.get(model, self.default)

    def engines(self, model: PackModel) -> Engines:
        """Return `of` a model, without profiles and engines that differ only in sizes which it does not have.

        Raises `InputError` when a size does not suit it.
        """
        distinct = (profiles.distinct(model.spec) for profiles in self.of(model.name))
        return tuple({profiles.tag(model.spec): profiles for profiles in distinct}.values())

    def overall(self, model: str) -> Profile:
        """Return one profile around all that the model of this name is built with: what is executed and measured."""
        return EngineProfiles(
            tuple(dict.fromkeys(profile for profiles in self.of(model) for profile in profiles))
        ).overall

    def check(self, pack: Pack) -> None:
        """Raise `InputError` for a model that `pack` lacks, and for sizes that do not suit one of its models."""
        names = [model.name for model in pack.models]
        if strangers := sorted(set(self.models) - set(names)):
            raise InputError(
                f"profiles are chosen for '{strangers[0]}', which is no model of pack {pack.name}",
                remedy=f"Its models are {first_few(names, shown=8)}",
            )
        for model in pack.models:
            self.engines(model)


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class _File:
    default: Texts = DEFAULT
    models: dict[str, Texts] = field(default_factory=dict)


def read(path: Path, size: Size) -> ProfileChoice:
    """Read a `profiles.toml`; a list of texts instead of one is an engine for each. `size` is as for `parse`.

    Raises `InputError` that names the file, and the key or the profile that is refused.
    """
    content = toml_file.read(path, _File, called="profiles", like=_EXAMPLE)
    try:
        models = {name: _engines(_listed(texts), size) for name, texts in content.models.items()}
        return ProfileChoice(_engines(_listed(content.default), size), models)
    except InputError as error:
        raise InputError(error.what, where=path, remedy=error.remedy) from error


def choose(typed: Sequence[str], file: Path | None, models: Path | None, size: Size) -> ProfileChoice:
    """Return what was typed; else what `file` says; else the pack's own `profiles.toml` in `models`; else the default.

    Raises `InputError` like `parse` and `read`.
    """
    own = None if models is None else models / FILE_NAME
    if typed:
        return ProfileChoice.parse(typed, size)
    if file is None and own is not None and own.exists():
        file = own
    return ProfileChoice.parse([DEFAULT], size) if file is None else read(file, size)


def _engines(texts: Sequence[str], size: Size) -> Engines:
    height, width = size
    return tuple(EngineProfiles.parse(text, height=height, width=width) for text in texts)


def _listed(texts: Texts) -> list[str]:
    return [texts] if isinstance(texts, str) else texts
