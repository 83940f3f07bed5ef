"""Terms, templates and descriptions: data files that code reads."""
