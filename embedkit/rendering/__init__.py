"""Records to output: one template a target, escaped for whatever reads it next."""
