"""The bench: what this build does on this machine, measured by the code a camp runs."""
