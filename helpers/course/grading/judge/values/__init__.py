"""What passes between two interpreters: values as JSON, and nothing that runs where it is read."""
