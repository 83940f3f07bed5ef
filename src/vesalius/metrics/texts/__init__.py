"""What scores of texts count with: runs of words, common subsequences, and the words of other programs' definitions."""
