"""The generator: leases generate and palette jobs, calls image models, hands in quadrants."""
