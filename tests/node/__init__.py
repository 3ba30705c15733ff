"""Tests of node/."""
