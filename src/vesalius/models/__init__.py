"""The native vision-language model and its parts."""
