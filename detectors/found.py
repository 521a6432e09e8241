"""What detectors answer, and its form on the wire and in the cache: msgpack, never pickle."""
