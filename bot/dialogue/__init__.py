"""The Rasa engine as a client, and the words of responses/ without it."""
