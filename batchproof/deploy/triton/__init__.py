"""Triton: a model repository of a store, what serves the whole pipeline in it, and a client."""
