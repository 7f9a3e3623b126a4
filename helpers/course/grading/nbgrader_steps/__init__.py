"""nbgrader's steps with our limits and the judge: a submission is run, gets its points and its feedback page."""
