"""The field of a gallbladder operation, its tools and its story."""
