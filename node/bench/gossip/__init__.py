"""What gossip on the air costs, against the least that any sender could pay: cases of `miccheck bench`."""
