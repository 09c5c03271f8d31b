"""The linter of DeepStream bundles: what DeepStream would not say, or say too late, said before anything runs."""
