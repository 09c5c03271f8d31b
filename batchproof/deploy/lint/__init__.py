"""The linter of DeepStream bundles and Triton repositories: what they would not say, or say too late, said before."""
