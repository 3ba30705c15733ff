"""Carries pages: what people see, read and write on their phones."""
