"""ONNX to engine: optimisation profiles, ONNX Runtime session files, TensorRT and TensorRT-RTX engines."""
