"""The goals of the issue "Fast", each measured by one function, judged, and told in one table."""
