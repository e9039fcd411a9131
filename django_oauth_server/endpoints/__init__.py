"""HTTP: one file an endpoint. They translate, and decide nothing."""
