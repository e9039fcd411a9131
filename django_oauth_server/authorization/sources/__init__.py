"""Where the parameters of an authorization request come from, beside the query: one file a source."""
