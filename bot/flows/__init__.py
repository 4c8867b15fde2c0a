"""What happens to a message: one function per step, one transaction per step."""
