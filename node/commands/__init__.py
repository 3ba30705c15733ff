"""The commands of `miccheck`, one a file."""
