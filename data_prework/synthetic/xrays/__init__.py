"""Chest X-rays, drawn from a seed."""
