"""What `reproduce` is made of: runs and their cache, the children that train, the verdict, the ledger and its figure."""
