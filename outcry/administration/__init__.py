"""The administrators' instruments: the market's file, files of transfers, and what they come to."""
