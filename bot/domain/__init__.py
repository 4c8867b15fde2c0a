"""What the helpline knows and decides, without I/O."""
