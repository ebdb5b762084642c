"""The commands of `pulsephase`, one module each, loaded when called."""
