"""The site to read, built from the notebooks as they are stored."""
