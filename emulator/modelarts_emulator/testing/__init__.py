"""What tests and newcomers use: accounts in a test, the plugin, the environment, a demonstration."""
