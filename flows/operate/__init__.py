"""What an operator sets up on a Prefect server: limits and automations."""
