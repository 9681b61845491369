"""Order flow's running parts: the command log's writer, the feed's reader, the bots and the replay."""
