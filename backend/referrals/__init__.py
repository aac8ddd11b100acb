"""Referrals both ways: a patient's journey between two institutions, its places, limits and rights."""
