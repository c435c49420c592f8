"""The user's own training scripts: started in the sandbox as the platform would start them."""
