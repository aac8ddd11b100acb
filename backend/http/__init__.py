"""How requests come in and answers go out; no area's rules live here."""
