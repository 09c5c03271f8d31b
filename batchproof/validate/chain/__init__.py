"""Parity stage by stage: which step of the way from a picture to a cosine is the first to depart from insightface."""
