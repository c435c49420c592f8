"""Real computing on the CPU: model packages, language models; imports nothing of Flask, store or clock."""
