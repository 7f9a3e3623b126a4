"""A class and its lists: who is in it, what was due, downloads and tables of learning platforms, submissions alike."""
