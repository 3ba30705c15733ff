"""Tests of Mic Check."""
