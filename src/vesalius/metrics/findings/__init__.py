"""What a report of a chest radiograph states, denies and doubts: a labeler by rules, and the entities that it speaks of."""
