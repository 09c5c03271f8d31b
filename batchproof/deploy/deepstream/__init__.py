"""The DeepStream bundle: what is emitted, and the sources in `bundle/`."""
