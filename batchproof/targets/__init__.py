"""What engines are built for: deployment targets as data, with what each of them can load."""

from batchproof.targets.catalogue import all_targets, target
from batchproof.targets.target import Target

__all__ = ["Target", "all_targets", "target"]
