"""How quick it is, measured against bars: `make bench`."""
