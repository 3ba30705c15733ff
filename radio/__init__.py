"""Carries frames: radios, modems, IP links, simulated air."""
