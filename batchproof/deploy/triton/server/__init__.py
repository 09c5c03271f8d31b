"""A real tritonserver on this machine, for rehearsals: from a wheel, without a GPU and without a container."""
