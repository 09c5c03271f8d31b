"""mmdet's configuration files of SCRFD as a source of architectures; mmdet itself is not needed.

Importing this package imports no torch; its modules do.
"""
