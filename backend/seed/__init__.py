"""A made-up city for demo and tests: believable, the same every time, and nobody's."""
