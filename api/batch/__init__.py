"""Whole files of questionnaires: read, checked, scored and written, in pieces of any number."""
