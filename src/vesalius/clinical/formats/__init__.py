"""One file format per file; they run in the gate's worker processes, on bytes that nobody vouches for."""
