"""The wall round students' code: what it sees, and what it may use. Nothing here knows of assignments or marks."""
