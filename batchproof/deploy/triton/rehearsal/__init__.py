"""A rehearsal: a bundle, served by a real tritonserver on this machine, asked by a crowd, and judged by the policy."""
