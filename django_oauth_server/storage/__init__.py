"""The only questions to the database: one function, one question, one statement."""
