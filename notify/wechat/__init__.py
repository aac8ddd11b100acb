"""Adapters for the WeChat platform."""
