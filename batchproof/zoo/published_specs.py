"""What the files that InsightFace published are, by name: for those who have no file to recognise.

A file is recognised by its graph, never by its name; these are the specs that the published ones get so.
"""

from __future__ import annotations

from batchproof.zoo import families
from batchproof.zoo.spec import ModelSpec

PUBLISHED_SPECS: dict[str, ModelSpec] = {
    "scrfd_10g_bnkps": families.scrfd(),
    "det_10g": families.scrfd(),
    "det_2.5g": families.scrfd(),
    "det_500m": families.scrfd(),
    "w600k_r50": families.arcface(),
    "w600k_mbf": families.arcface(),
    "glintr100": families.arcface(),
    "2d106det": families.landmarks(size=192, channels=212, normalised_in_graph=True),
    "1k3d68": families.landmarks(size=192, channels=3309, normalised_in_graph=True),
    "genderage": families.genderage(size=96, normalised_in_graph=True),
}
