"""Wires the rooms together: command line, settings, clock, courier, pump."""
