"""A pulse, a skin, a face, a light, a camera: video with a known pulse."""
