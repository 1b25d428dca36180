"""The versions that are served: found on disk, loaded, and dropped."""
