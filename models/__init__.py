"""PHASE-Net (ZAS, ASF, gated TCN), its stream, its weights, and the classical methods."""
