"""Whole runs of some pictures against a server."""

from __future__ import annotations

import asyncio
from pathlib import Path

from batchproof.deploy.triton.client.asking import PictureOutcome, RunCost, ask_all
from batchproof.deploy.triton.client.faces_client import Wishes
from tests.deploy.triton.client.fake_faces import frame
from tests.deploy.triton.client.test_faces_client import written


def asked(url: str, folder: Path, count: int, retries: int, wishes: Wishes) -> tuple[list[PictureOutcome], RunCost]:
    """Write so many pictures to a folder, and ask for them."""
    pictures = [written(folder / f"{index}.png", frame(index % 4, shade=index + 10)) for index in range(count)]
    return run(url, pictures, retries, wishes)


def run(url: str, pictures: list[Path], retries: int, wishes: Wishes) -> tuple[list[PictureOutcome], RunCost]:
    found: list[PictureOutcome] = []
    cost = asyncio.run(ask_all(url, wishes, pictures, retries, found.append))
    assert sorted(outcome.item for outcome in found) == sorted(pictures), "one outcome a picture, whatever happens"
    return found, cost
