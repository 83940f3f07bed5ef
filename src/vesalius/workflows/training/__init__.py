"""What each family of recipes trains: its data, its model, its batches, and what is kept of it."""
