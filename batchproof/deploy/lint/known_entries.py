"""The entries of a bundle whose section is known, each with what is known of its key."""

from __future__ import annotations

from collections.abc import Iterator

from batchproof.deploy.lint.bundle import Bundle
from batchproof.deploy.lint.document import ConfigFile, Entry, Place, Section
from batchproof.deploy.lint.keys import Key, key_of, keys_of


def known_entries(bundle: Bundle) -> Iterator[tuple[ConfigFile, Section, Entry, Key | None]]:
    """Every entry of every section that its element knows, with what is known of the key."""
    for config in bundle.configs:
        for section in config.sections:
            keys = keys_of(config.role, section.name)
            if keys is not None:
                yield from ((config, section, entry, key_of(keys, entry.key)) for entry in section.entries)


def at(config: ConfigFile, entry: Entry) -> Place:
    """Return where an entry stands."""
    return Place(config.path, entry.line, entry.key)
