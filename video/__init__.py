"""Real footage: reading, faces, crops, times."""
