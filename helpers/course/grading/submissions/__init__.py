"""What was handed in: found, read, matched with the released cells and put back in order, whatever happened to it."""
