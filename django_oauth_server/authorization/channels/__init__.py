"""Where the answer to a request goes, once the person has given it: one file a channel."""
