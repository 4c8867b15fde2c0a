"""Conversations through the real gateway, the real engine and fake providers."""
