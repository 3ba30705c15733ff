"""Storms: real engines and stores round a simulated air, and everything that goes wrong there."""
