"""Over real HTTP: run by name, `pytest tests/e2e`; the plain test run leaves them out."""
