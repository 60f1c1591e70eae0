"""What templates ask for: a story's text as HTML, portraits and icons."""
