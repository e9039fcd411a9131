"""How the answer travels: one file a response mode (OAuth 2.0 Multiple Response Type Encoding Practices)."""
