"""What operations do: one module or package an area, named after its schema file."""
