"""The supervisor behind `./run`: prepares var/, starts every process, and keeps them running."""
