"""A HubSpot and a LearnUpon for people without accounts: one process, real HTTP, all state in memory."""
