"""Batchproof: batch-safe InsightFace models, from PyTorch or ONNX to engines, each with a measurement and a verdict."""

__version__ = "0.1.0"
