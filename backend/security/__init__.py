"""Keys, encryption, tokens, limits, and what may be shown or logged; no area's rules live here."""
