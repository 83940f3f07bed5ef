"""The kinds of phantom, one file each: what can be found, what can be fixed, and the drawing of one visit."""
