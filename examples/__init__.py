"""Small whole programs; each is run by the tests."""
