"""A broad source of drawings for pretraining, drawn from a seed."""
