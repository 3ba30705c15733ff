"""Kills and power cuts: what a camp was told is kept, is kept."""
