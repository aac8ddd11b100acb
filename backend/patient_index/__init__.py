"""The city's answer to "who is this": what hospitals know people by, linked to one person."""
