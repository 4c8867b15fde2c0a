"""Migrations of the schema, one file a step."""
