"""What a project's own pages may show."""
