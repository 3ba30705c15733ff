"""Tests of radio/."""
