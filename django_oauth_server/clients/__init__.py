"""Who asks: what a client registered, and how it proves to be itself."""
