"""Workloads whose platform vouches for them."""
