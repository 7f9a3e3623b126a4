"""Two interpreters: one runs what was handed in, the other the course's cells and tests; only values pass between."""
