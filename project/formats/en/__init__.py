"""For pages in English."""
