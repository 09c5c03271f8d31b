"""The elements of a pipeline as a bundle configures them: a file, and what deepstream-app's group for it overrides."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from batchproof.deploy.lint.document import ConfigFile, Place, Section, numbered
from batchproof.deploy.lint.values import as_boolean, as_integer, as_integers

DETECTOR, MASK_DETECTOR, OTHER = 0, 3, 100
BOX_PARSER, MASK_PARSER = "parse-bbox-func-name", "parse-bbox-instance-mask-func-name"
_SECONDARY = 2
# What deepstream-app sets on the element after its file was read: the key in the group, by that in the file.
_OVERRIDDEN = frozenset({"batch-size", "gie-unique-id", "operate-on-gie-id", "gpu-id", "model-engine-file", "interval"})


@dataclass(frozen=True)
class Element:
    """A file with the application's group that names it, where one does."""

    config: ConfigFile
    app: ConfigFile | None = None
    group: Section | None = None

    @property
    def settings(self) -> Section:
        """The section with the keys of the element itself."""
        return self.config.section("property")

    def place(self, key: str) -> Place:
        """Return where the value of `key` that counts is written."""
        if self.app and self.group and key in _OVERRIDDEN and self.group.entry(key):
            return self.app.place(self.group, key)
        return self.config.place(self.settings, key)

    def text(self, key: str) -> str:
        """Return the value that counts, as it is written; empty without one."""
        own = self.group.text(key) if self.group and key in _OVERRIDDEN else ""
        return own or self.settings.text(key)

    def integer(self, key: str, default: int) -> int:
        """Return a number; the default also where what is written is none, which is another rule's finding."""
        number = as_integer(self.text(key))
        return default if number is None else number

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Return a truth value; the default also where what is written is none."""
        truth = as_boolean(self.settings.text(key))
        return default if truth is None else truth


class Inference(Element, ABC):
    """nvinfer or nvinferserver: the properties that wiring asks both for."""

    @property
    @abstractmethod
    def unique_id(self) -> int:
        """What others call it by."""

    @property
    @abstractmethod
    def batch_size(self) -> int:
        """How many images it takes at once, at most."""

    @property
    @abstractmethod
    def operates_on(self) -> int:
        """The element whose objects it takes; -1 for those of any."""

    @property
    @abstractmethod
    def is_secondary(self) -> bool:
        """Whether it looks at objects."""

    @property
    def finds_objects(self) -> bool:
        """Whether it looks at frames, and others look at what it finds there."""
        return not self.is_secondary

    @property
    @abstractmethod
    def takes_tensor(self) -> bool:
        """Whether it takes what nvdspreprocess prepared."""

    @property
    def _is_secondary_group(self) -> bool:
        return self.group is not None and numbered(self.group.name, "secondary-gie")

    @property
    def _tensor_of_group(self) -> bool | None:
        """deepstream-app sets the property always: to what its group says, and to 0 when the group says nothing."""
        return None if self.group is None else bool(as_boolean(self.group.text("input-tensor-meta")))


class NvInfer(Inference):
    """An nvinfer."""

    @property
    def unique_id(self) -> int:
        """The key gie-unique-id; 15 is the element's own default."""
        return self.integer("gie-unique-id", 15)

    @property
    def batch_size(self) -> int:
        """The key batch-size."""
        return self.integer("batch-size", 1)

    @property
    def operates_on(self) -> int:
        """The key operate-on-gie-id."""
        return self.integer("operate-on-gie-id", -1)

    @property
    def is_secondary(self) -> bool:
        """By the application's group, process-mode, or a tensor of objects."""
        if self.group is not None:
            return self._is_secondary_group
        return self.integer("process-mode", 1) == _SECONDARY or self.operates_on > 0

    @property
    def takes_tensor(self) -> bool:
        """The application's group decides where there is one."""
        own = self._tensor_of_group
        return self.flag("input-tensor-from-meta") if own is None else own

    @property
    def finds_objects(self) -> bool:
        """By the network's type, too: an embedder of prepared tensors need not say that it is a secondary one."""
        return not self.is_secondary and self.network_type in (DETECTOR, MASK_DETECTOR)

    @property
    def network_type(self) -> int:
        """The key network-type."""
        return self.integer("network-type", DETECTOR)


class NvInferServer(Inference):
    """An nvinferserver."""

    @property
    def settings(self) -> Section:
        """The message infer_config."""
        return self.config.section("infer_config")

    @property
    def control(self) -> Section:
        """The message input_control."""
        return self.config.section("input_control")

    @property
    def unique_id(self) -> int:
        """The field unique_id; the application's group overrides it."""
        own = as_integer(self.group.text("gie-unique-id")) if self.group else None
        return self.integer("unique_id", 15) if own is None else own

    @property
    def batch_size(self) -> int:
        """The field max_batch_size."""
        return self.integer("max_batch_size", 1)

    @property
    def operates_on(self) -> int:
        """The field operate_on_gie_id."""
        number = as_integer(self.control.text("operate_on_gie_id"))
        return -1 if number is None else number

    @property
    def is_secondary(self) -> bool:
        """By the application's group, or by the mode that clips objects."""
        if self.group is not None:
            return self._is_secondary_group
        return self.control.text("process_mode") == "PROCESS_MODE_CLIP_OBJECTS" or self.operates_on > 0

    @property
    def takes_tensor(self) -> bool:
        """The application's group, or the message input_tensor_from_meta."""
        return bool(self._tensor_of_group) or self.settings.entry("input_tensor_from_meta") is not None


class Preprocess(Element):
    """An nvdspreprocess."""

    @property
    def targets(self) -> list[int]:
        """The ids of the elements that it prepares tensors for."""
        return as_integers(self.settings.text("target-unique-ids")) or []

    @property
    def operates_on(self) -> int:
        """The element whose objects it takes; -1 for those of any."""
        own = as_integer(self.group.text("operate-on-gie-id")) if self.group else None
        return self.integer("operate-on-gie-id", -1) if own is None else own

    @property
    def of_objects(self) -> bool:
        """Whether it cuts out objects; frames are its default."""
        return not self.flag("process-on-frame", default=True)

    @property
    def shape(self) -> list[int]:
        """The key network-input-shape."""
        return as_integers(self.settings.text("network-input-shape")) or []

    @property
    def groups(self) -> list[Section]:
        """The sections that say which sources and objects."""
        return self.config.like("group-")
