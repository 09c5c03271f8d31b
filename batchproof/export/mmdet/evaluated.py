"""What mmengine makes of a configuration, read from nothing but what was checked."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from batchproof.errors import InputError, MissingDependencyError
from batchproof.export.mmdet.literal import PlainFile
from batchproof.export.mmdet.plain_data import BASE


def evaluated(plain: PlainFile) -> Mapping[str, object]:
    """Return what `mmengine.Config` reads from `plain` and its bases, as plain dictionaries.

    mmengine is given copies in a folder of their own: what the user's files become after they were checked does not
    matter, and it runs no line that was not checked. Raises `InputError` where it cannot read them.
    """
    try:
        from mmengine import Config
    except ImportError as error:
        raise MissingDependencyError.for_extra("mmengine", "mmdet") from error
    try:
        with tempfile.TemporaryDirectory() as folder:
            config = Config.fromfile(
                _copied(plain, Path(folder), "config"),
                lazy_import=False,
                # What would bring text or code from elsewhere into the checked files.
                import_custom_modules=False,
                use_predefined_variables=False,
                use_environment_variables=False,
            )
    except Exception as error:  # whatever the file's own sums and mmengine's merging may raise
        what = f"mmengine cannot read it ({type(error).__name__}: {error})"
        raise InputError(what, where=plain.path, remedy="Check the file with mmengine.Config.fromfile") from error
    values: Mapping[str, object] = config.to_dict()
    return values


def _copied(plain: PlainFile, folder: Path, name: str) -> Path:
    """Write a file and, first, its bases, all into one folder; `config_1` is the second base of `config`."""
    bases = [_copied(base, folder, f"{name}_{number}").name for number, base in enumerate(plain.bases)]
    copy = folder / f"{name}.py"
    copy.write_text(f"{BASE} = {bases}\n{plain.assignments}\n", encoding="utf-8")
    return copy
