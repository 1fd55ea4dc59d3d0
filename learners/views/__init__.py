"""Pages about people and their progress: overview, learners, activity, backfill and insights."""
