"""Public data sets: their layouts read as recordings, their splits, and a cache of face crops."""
