"""The volunteers' pages, and the door in front of them."""
