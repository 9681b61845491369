"""What asks the processes."""
