"""Public data sets of face video with a contact pulse: their layouts, labels, splits and cache."""
