"""An OAuth 2 authorization server and resource protection, as a Django app."""
