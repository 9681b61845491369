"""The users' running parts: connection, user, fleet and crew; and a load run, against whatever market there is."""
