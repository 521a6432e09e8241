"""Pure pixels: decode, plan, transform, encode. No network, no async, no settings, no logging."""
