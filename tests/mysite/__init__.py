"""The project of docs/extending.md: every file that the page has a reader write, run as it stands there."""
