from __future__ import annotations

from typing import Any

from batchproof.deploy.triton.client.statistics import HEADS, batch_lines, costs, rows


def counted(model: str, requests: int, batches: dict[int, int], *, failed: int = 0, version: str = "1") -> Any:
    """What Triton tells; each request has queued for 2 ms and computed for 1 + 5 + 1."""
    milliseconds = {"queue": 2, "compute_input": 1, "compute_infer": 5, "compute_output": 1}
    spent = {part: {"count": requests, "ns": requests * each * 10**6} for part, each in milliseconds.items()}
    return {
        "name": model,
        "version": version,
        "inference_count": sum(size * runs for size, runs in batches.items()),
        "execution_count": sum(batches.values()),
        "inference_stats": {"success": {"count": requests}, "fail": {"count": failed}, **spent},
        "batch_stats": [
            {"batch_size": size, "compute_infer": {"count": runs, "ns": 1}} for size, runs in batches.items()
        ],
    }


def told(*models: Any) -> dict[str, Any]:
    return {"model_stats": list(models)}


def test_a_run_has_cost_what_was_counted_since() -> None:
    before = told(counted("det", 10, {1: 4, 2: 3}), counted("idle", 5, {1: 5}))
    after = told(counted("det", 30, {1: 4, 2: 5, 8: 2}, failed=1), counted("idle", 5, {1: 5}))
    cost, idle = costs(before, after)
    assert (idle.model, idle.idle, idle.images, idle.batches) == ("idle", True, 0, {})
    assert (cost.idle, cost.model, cost.requests, cost.failed, cost.images, cost.runs) == (False, "det", 20, 1, 20, 4)
    assert (cost.mean_batch, cost.queue_ms, cost.compute_ms, cost.batches) == (5, 2, 7, {2: 2, 8: 2})
    assert dict(zip(HEADS, rows([cost])[0], strict=True))["a run"] == f"{cost.mean_batch:.2f}"
    assert batch_lines([cost]) == [f"{cost.model}: 2 of 2, 2 of 8"]


def test_numbers_as_strings_and_zeros_left_out_are_those_of_grpc() -> None:
    bare = {
        "name": "det",
        "inference_count": "3",
        "execution_count": "2",
        "inference_stats": {"success": {"count": "3"}},
    }
    (cost,) = costs({}, told({**bare, "batch_stats": [{"batch_size": "1", "compute_infer": {"count": "2"}}]}))
    assert (cost.requests, cost.failed, cost.images, cost.runs, cost.queue_ms) == (3, 0, 3, 2, 0)
    assert cost.batches == {1: 2}


def test_a_server_that_was_started_anew_has_counted_from_zero() -> None:
    (cost,) = costs(told(counted("det", 100, {4: 25})), told(counted("det", 8, {4: 2})))
    assert (cost.requests, cost.images, cost.batches) == (8, 8, {4: 2})


def test_versions_of_a_model_are_added_up() -> None:
    (cost,) = costs({}, told(counted("det", 2, {2: 1}), counted("det", 3, {2: 1, 1: 1}, version="2")))
    assert (cost.requests, cost.images, cost.batches) == (5, 5, {1: 1, 2: 2})


def test_a_model_that_only_failed_is_told() -> None:
    (cost,) = costs({}, told(counted("det", 0, {}, failed=4)))
    assert (cost.idle, cost.failed, cost.mean_batch, cost.compute_ms) == (False, 4, 0, 0)
