"""Training data from stored datasets: which samples in which order, decoded by workers, in batches that can be gone on with."""
