"""Letters: out to the list and in from it."""
