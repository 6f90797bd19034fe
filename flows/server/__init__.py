"""Prefect servers that the project starts, and how they are asked."""
