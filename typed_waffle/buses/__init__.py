"""How changes reach the workers."""
