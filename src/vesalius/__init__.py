"""Vesalius: the open workbench for medical vision-language models. Research use only, not a medical device."""
