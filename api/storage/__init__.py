"""What is kept: assessments, keys and the audit trail, in SQLite or PostgreSQL."""
