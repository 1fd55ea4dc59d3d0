"""How quick the pages are in a large account: `make bench`."""
