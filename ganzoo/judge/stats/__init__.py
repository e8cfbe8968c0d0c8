"""Statistics on seed-level values. A value is one training; everything is deterministic, Monte Carlo draws included."""
