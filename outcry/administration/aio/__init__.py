"""The watching connection."""
