from __future__ import annotations

from pathlib import Path

from batchproof.deploy.trust import trusted
from batchproof.verdict import Status, Verdict
from tests.deploy.deepstream.stores import PRECISION, store, with_record, without_record

SUBJECT = f"det.{PRECISION}"


def test_what_holds_is_said_with_how_much_there_was(tmp_path: Path) -> None:
    proof, probe = trusted(store(tmp_path), SUBJECT)
    assert (proof.check, proof.status) == ("deploy.proof", Status.PROVEN)
    assert (probe.check, probe.status, probe.subject) == ("deploy.probe", Status.PASS, SUBJECT)


def test_one_undecided_verdict_leaves_all_undecided(tmp_path: Path) -> None:
    passed = Verdict("probe.rows", SUBJECT, Status.PASS, "fine")
    unknown = Verdict("probe.contamination", SUBJECT, Status.NOT_RUN, "no pictures")
    _, probe = trusted(with_record(store(tmp_path), "probe", SUBJECT, passed, unknown), SUBJECT)
    assert (probe.status, probe.reason) == (Status.NOT_RUN, f"{SUBJECT}, probe.contamination: no pictures")


def test_a_model_that_nobody_has_probed_is_not_trusted(tmp_path: Path) -> None:
    _, probe = trusted(without_record(store(tmp_path), "probe", SUBJECT), SUBJECT)
    assert (bool(probe), probe.status) == (False, Status.NOT_RUN)
