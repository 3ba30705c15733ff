"""Known bytes, for a second implementation and against a change by accident."""
