"""Paying: the port to payment channels and its adapters. Imports nothing else of ours."""
