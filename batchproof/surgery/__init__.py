"""Surgery: ONNX to ONNX. One file per pass; every pass says what it changed, what it did not change, and why."""
