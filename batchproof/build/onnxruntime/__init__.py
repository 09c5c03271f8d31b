"""ONNX Runtime: session files for the CPU, and execution on its other providers."""
