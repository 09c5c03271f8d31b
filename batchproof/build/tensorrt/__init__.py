"""TensorRT and TensorRT-RTX: one code path, in a process of its own; `compat` alone knows them apart."""
