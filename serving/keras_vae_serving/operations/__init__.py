"""What it takes to run a server: keys, limits, metrics, logs."""
