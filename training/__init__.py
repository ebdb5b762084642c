"""One trainer for every source of clips: synthetic, cached data sets, and mixtures of them."""
