"""What is built inside a target's container: its graphs and jobs, and `build_engines.sh`, which does the jobs."""
