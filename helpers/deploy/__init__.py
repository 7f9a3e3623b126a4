"""A model in other people's hands: bundle, card, prediction, the app, and what it should not be asked about."""
