"""The web application, its door, and what stands behind it."""
