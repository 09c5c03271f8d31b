"""A folder with all that is known of it: a bundle of DeepStream, model repositories of Triton, or both."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from batchproof.deploy.lint.bundle import Bundle
from batchproof.deploy.lint.folder_files import files_below
from batchproof.deploy.lint.lint import Report, applied, lint
from batchproof.deploy.lint.reading import find_bundle
from batchproof.deploy.lint.triton.reading import find_repositories
from batchproof.deploy.lint.triton.repository import CONFIG, Repositories
from batchproof.deploy.lint.triton.rules import ALL
from batchproof.deploy.lint.version import Version
from batchproof.errors import InputError

_REMEDY = "Name the folder of a DeepStream bundle, or of a Triton model repository"


@dataclass(frozen=True)
class Folder:
    """What was read: at least one of the two is there."""

    bundle: Bundle | None
    triton: Repositories | None

    @property
    def roles(self) -> dict[str, str]:
        """What each file configures, by its path: an element of DeepStream, or `triton`."""
        elements = {config.path: config.role for config in self.bundle.configs} if self.bundle else {}
        return elements | {config.path: "triton" for _, config in (self.triton.configs if self.triton else ())}


def read_folder(root: Path, release: Version | None = None) -> Folder:
    """Read the folder; nothing outside of it is opened.

    Raises `InputError` when it is no folder, has far too many files, or configures neither DeepStream nor Triton.
    """
    files = files_below(root)
    triton = find_repositories(root, files)
    bundle = find_bundle(root, files, files - triton.own_files if triton else files, release)
    if triton and bundle and not bundle.configs:  # damaged text beside a repository, which nothing says is DeepStream's
        bundle = None
    if triton is None and bundle is None:
        if CONFIG in files:
            remedy = "Name the repository, which is the folder around it"
            raise InputError("is a model of Triton, and no repository", where=root, remedy=remedy)
        raise InputError("no file in it configures DeepStream or Triton", where=root, remedy=_REMEDY)
    return Folder(bundle, triton)


def lint_folder(folder: Folder) -> Report:
    """Apply the rules of DeepStream, and those of Triton, to what is there of them."""
    deepstream = lint(folder.bundle) if folder.bundle else Report((), ())
    return deepstream.with_those_of(applied(folder.triton, ALL)) if folder.triton else deepstream
