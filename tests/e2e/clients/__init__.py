"""Clients that nobody here wrote, each walking every step without special treatment."""
