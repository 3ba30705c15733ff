"""What a camp knows and decides: messages, bundles, store, gossip. No clock, socket, thread or log."""
