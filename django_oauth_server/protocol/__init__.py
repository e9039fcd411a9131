"""The wire: pure functions and values, with neither Django nor I/O."""
