"""Organisations, departments and practitioners of the city, who may find them, and the hospitals' clients."""
