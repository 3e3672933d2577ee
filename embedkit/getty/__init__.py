"""Everything specific to Getty Images; no input or output."""
