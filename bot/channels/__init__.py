"""Telegram, WhatsApp and the simulator."""
