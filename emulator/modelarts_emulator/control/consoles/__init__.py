"""What the consoles of Pangu and MaaS and the operators of the cloud do, for which no API is documented."""
