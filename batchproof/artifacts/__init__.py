"""The artifact store: files with content hashes, and the manifest that says where each came from."""
