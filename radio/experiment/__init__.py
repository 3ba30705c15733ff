"""One square, one day of talk, several ways to pass it on: what `miccheck simulate` measures."""
