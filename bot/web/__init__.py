"""HTTP: webhooks, the simulator page, health, the console."""
