"""The rules: habits, questions and scores. Pure: no web, no SQL, no clock, no randomness."""
