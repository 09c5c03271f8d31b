"""`build_engines.sh`: what builds engines inside a target's container."""
