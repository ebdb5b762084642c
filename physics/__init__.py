"""From blood flow to a causal kernel: no `nn.Module`, no I/O, float64-clean."""
