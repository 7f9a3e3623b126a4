"""Where raw data and weights come from: downloads, archives, Wikimedia Commons."""
