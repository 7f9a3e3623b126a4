"""Two statues that look alike, drawn from a seed."""
