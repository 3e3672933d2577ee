"""The only way out: requests to Getty's services, bounded in time, size and number."""
