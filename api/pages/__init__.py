"""The service's own pages: their frame, their words, what they load, and the guides."""
