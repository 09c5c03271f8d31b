"""Whether the batched model still says what the original said, and no picture changes another one's answer."""
