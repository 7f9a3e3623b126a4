"""What came of it: the marks of a class, what a person enters by hand, what changed, and giving feedback back."""
