"""Concrete walls with cracks, drawn from a seed."""
