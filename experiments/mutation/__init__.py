"""Wrong versions of the physics, made by syntax tree, and what turns red for each."""
