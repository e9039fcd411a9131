"""Who a client id is: one file a source."""
