"""The providers, faked only at their own HTTP interface."""
