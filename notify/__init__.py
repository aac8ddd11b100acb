"""Telling people: ports to message providers and WeChat, and adapters. Imports nothing else of ours."""
