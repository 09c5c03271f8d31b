"""The batched reference pipeline: insightface's arithmetic for a whole batch, on any backend; numpy and OpenCV only."""
