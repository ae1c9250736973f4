"""What a caller may ask for, as structs: one file a kind of document, and the reader that finds all their problems."""
