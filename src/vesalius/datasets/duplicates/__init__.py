"""Pictures that are the same or nearly the same, found among many: prints, candidates, and a close look at each pair."""
