"""Artifacts to deployments: DeepStream bundles, Triton repositories."""
