"""Model families, published files and packs, as data."""
