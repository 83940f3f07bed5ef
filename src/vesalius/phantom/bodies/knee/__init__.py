"""The knee: bones, cartilage, menisci, and what is wrong."""
