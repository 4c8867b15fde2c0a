"""What Rasa runs with: a channel that is a pure function, a tracker store for one request, our words and our classifier."""
