"""Which backend runs a model, and whether its folder is one."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from batchproof.deploy.lint.document import Place
from batchproof.deploy.lint.finding import Fault, Rule, quoted
from batchproof.deploy.lint.keys import nearest
from batchproof.deploy.lint.proto_message import Message
from batchproof.deploy.lint.triton.backends import ENSEMBLE, PLATFORMS
from batchproof.deploy.lint.triton.config import Config
from batchproof.deploy.lint.triton.repository import Repositories

_NOTHING = Message((), 1)
_COMPLETED = {
    "onnxruntime": (
        "the server completes it from the network, with batches of 4 at most, which is its default",
        "Write one with your max_batch_size",
    ),
    "python": (
        "the server asks model.py for auto_complete_config, and without that there are no inputs, outputs and batches",
        "Write one with inputs, outputs and max_batch_size",
    ),
}


def _name(read: Repositories) -> Iterator[Fault]:
    for model, config in read.configs:
        name = config.message.text("name")
        if name and name != model.name:
            sentence = f"the model is called {quoted(name)}, and its folder {quoted(model.name)}: the server refuses it"
            yield Fault(config.place("name"), sentence, f'Write name: "{model.name}"')


def _no_backend(read: Repositories) -> Iterator[Fault]:
    for model, config in read.configs:
        named = any(config.message.text(key) for key in ("platform", "backend"))
        if named or model.backend(config) or config.message.has("ensemble_scheduling"):
            continue
        _, dot, suffix = model.name.partition(".")
        taken = f"the server looks for a backend {quoted(suffix)}, from the folder's name" if dot else "it is refused"
        sentence = f"neither backend nor platform, and no file of version 1 tells which: {taken}"
        yield Fault(config.place("backend"), sentence, 'Write backend: "onnxruntime", "tensorrt" or "python"')


def _unknown_platform(read: Repositories) -> Iterator[Fault]:
    for _, config in read.configs:
        platform = config.message.text("platform")
        if platform and not config.message.text("backend") and platform not in (*PLATFORMS, ENSEMBLE, "libtorch"):
            meant = _platform_of(platform)
            yield Fault(
                config.place("platform"),
                f"{quoted(platform)} is no platform: the server refuses the model",
                f'Write platform: "{meant}"' if meant else f"Write backend instead, or one of {', '.join(PLATFORMS)}",
            )


def _platform_of(written: str) -> str | None:
    """Return the platform that was meant; the name of a backend is often written there."""
    of_backend = next((platform for platform, backend in PLATFORMS.items() if backend == written), None)
    return of_backend or nearest(written, PLATFORMS)


def _contradiction(read: Repositories) -> Iterator[Fault]:
    for _, config in read.configs:
        platform, backend = config.message.text("platform"), config.message.text("backend")
        if backend and platform and _contradict(platform, backend):
            sentence = f"platform {quoted(platform)} is not one of backend {quoted(backend)}: the server refuses both"
            yield Fault(config.place("platform"), sentence, "Keep one of them")


def _contradict(platform: str, backend: str) -> bool:
    known = backend in PLATFORMS.values()
    return platform == ENSEMBLE or (known and platform != "libtorch" and PLATFORMS.get(platform) != backend)


def _no_config(read: Repositories) -> Iterator[Fault]:
    for _, model in read.models:
        if not model.has_config and not model.configs:
            completed = _COMPLETED.get(model.backend(Config(model.folder, _NOTHING)))
            if completed and not model.adds_tensors:
                yield Fault(Place(model.folder), f"has no config.pbtxt: {completed[0]}", completed[1])


def _stray(read: Repositories) -> Iterator[Fault]:
    for repository in read.repositories:
        for name in repository.strays:
            sentence = "is a folder of the repository, and no model: the server tries to load it and does not start"
            remedy = "Take it out of the repository, which is for models alone"
            yield Fault(Place(posixpath.join(repository.folder, name)), sentence, remedy)


RULES = (
    Rule("model.name", "error", "A name other than that of its folder.", _name),
    Rule("model.no_backend", "error", "Neither backend nor platform, nor a file that tells.", _no_backend),
    Rule("model.unknown_platform", "error", "A platform that the server does not know.", _unknown_platform),
    Rule("model.contradiction", "error", "A platform and a backend that are not each other's.", _contradiction),
    Rule("model.stray", "error", "A folder in a repository that is no model, `.git` for example.", _stray),
    Rule("model.no_config", "warning", "No config.pbtxt, where the server's own has few batches or none.", _no_config),
)
