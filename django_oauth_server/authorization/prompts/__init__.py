"""What a person may have to be asked before the answer goes out: one file a prompt."""
