"""Export: from a PyTorch checkpoint, or seeded weights, to a self-contained ONNX file with a free batch dimension.

Importing this package imports no torch; its modules do.
"""
