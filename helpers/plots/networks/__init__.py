"""Diagrams: what the lessons draw of networks, their layers, training and evaluation, small enough for a phone."""
