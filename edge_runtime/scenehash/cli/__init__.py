"""The device's commands: each parses, calls one function, prints."""
