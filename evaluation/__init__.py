"""Judge networks and classical methods on clips whose pulse is known, by one protocol for all."""
