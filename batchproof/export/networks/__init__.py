"""The networks that can be exported, with the state-dict keys of their official checkpoints."""
