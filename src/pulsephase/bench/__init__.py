"""Speed and memory of the product, part by part, on this machine."""
