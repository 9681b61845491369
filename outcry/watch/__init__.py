"""`outcry watch`: a book, its trades and its state in a terminal."""
