"""`miccheck doctor`: one table of checks, each with what it looks at, how it is, and what to do."""
