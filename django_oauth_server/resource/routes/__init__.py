"""What each route of the project requires, read from its URLconf: one file a framework."""
