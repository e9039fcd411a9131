"""Where the parameters of an authorization request come from: one file a source."""
