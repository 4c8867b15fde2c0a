"""Rows: the only place that speaks SQL."""
