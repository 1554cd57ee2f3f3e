"""The service: HTTP, files and the command line around the rules."""
