"""A run's folder: what lies in it, what it was made with, and where it is published."""
