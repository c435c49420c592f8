"""What the consoles of Pangu and MaaS do, for which no API is documented."""
