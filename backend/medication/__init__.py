"""Rational medication 合理用药: duplicates, interactions and allergies, told before prescribing."""
