"""Assignments: students' versions, and grading what comes back."""
