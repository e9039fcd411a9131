"""What proves that whoever asks for a token holds a key (RFC 7800): one file a binding."""
