"""Pages of the connections: installing, connecting portals, settings and mapping."""
