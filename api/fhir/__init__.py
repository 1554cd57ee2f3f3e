"""The questionnaire, answers and results as FHIR has them: mappings alone, no HTTP."""
