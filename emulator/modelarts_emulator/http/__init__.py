"""The server and what it hands on: requests in, answers and streams out."""
