"""Images that notebooks and jobs run from."""
