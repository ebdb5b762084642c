"""Pretrain, evaluate, benchmark: thin scripts, never imported by the rest."""
