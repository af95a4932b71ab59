"""Background jobs: work that outlives the request that asked for it, kept in PostgreSQL until it is done."""
