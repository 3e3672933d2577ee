"""Everything that knows Getty Images, without any input or output."""
