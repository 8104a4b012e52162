"""What stands on a school's own server: its agent, whether it is heard, and how it came to be installed."""
