"""Tests of the build: locks, environment, installed files."""
