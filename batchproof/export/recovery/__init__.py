"""ONNX as a source of weights: files whose BatchNorms are folded, back into the PyTorch network."""
