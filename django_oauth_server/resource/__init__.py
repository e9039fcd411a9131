"""The resource server: a Django app of its own, with no tables, that stands on the wire format alone."""
