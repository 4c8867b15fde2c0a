"""Relais: the gateway that receives, watches for danger, refers and hands over to people."""
