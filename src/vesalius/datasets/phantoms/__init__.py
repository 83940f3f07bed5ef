"""Phantoms as samples and as the files that a hospital or a tool would have of them."""
