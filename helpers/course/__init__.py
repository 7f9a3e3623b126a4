"""What runs the course, and no notebook imports: one command line, `python -m helpers.course`."""
