"""The verdicts of a parity chain as a table: one row a stage, one column for each kind of inputs."""

from __future__ import annotations

from dataclasses import dataclass

from batchproof.artifacts.manifest import Manifest, Record
from batchproof.validate.chain.chain_file import CHECK
from batchproof.verdict import Verdict

_END_TO_END, _ON_NOISE = ".end_to_end", f"{CHECK}_on_noise"


@dataclass(frozen=True)
class StageRow:
    """What was said of one stage: given insightface's inputs, end to end, and given insightface's inputs on noise."""

    stage: str
    alone: Verdict | None = None
    end_to_end: Verdict | None = None
    on_noise: Verdict | None = None

    @property
    def verdicts(self) -> list[Verdict]:
        """Those that there are."""
        return [verdict for verdict in (self.alone, self.end_to_end, self.on_noise) if verdict is not None]


def is_of_chain(verdict: Verdict) -> bool:
    """Whether a verdict is one of a chain's, on pictures or on noise."""
    return verdict.check.split(".")[:2] in (CHECK.split("."), _ON_NOISE.split("."))


def chain_records(manifest: Manifest) -> list[Record]:
    """The steps that compared stage by stage."""
    return [record for record in manifest.records if record.check == CHECK and record.verdicts]


def answer(record: Record) -> Verdict:
    """Return the verdict that names the first departing stage, or why there was no chain."""
    return next((verdict for verdict in record.verdicts if verdict.check == CHECK), record.verdicts[0])


def stage_rows(record: Record) -> list[StageRow]:
    """Sort the verdicts of a chain's step by stage, in the order of the stages."""
    found = {verdict.check: verdict for verdict in record.verdicts if verdict.figure is not None}
    stages = dict.fromkeys(check.split(".")[2] for check in found)
    return [
        StageRow(
            stage,
            found.get(f"{CHECK}.{stage}"),
            found.get(f"{CHECK}.{stage}{_END_TO_END}"),
            found.get(f"{_ON_NOISE}.{stage}"),
        )
        for stage in stages
    ]
