"""Model packages: config.json, what they need, and the child process that runs them."""
