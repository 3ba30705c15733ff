"""Tests of the doors: real processes."""
