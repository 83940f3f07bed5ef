"""Published collections, each in the layout in which it was published: one collection per file, read only."""
