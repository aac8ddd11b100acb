"""Who is talking with the city, where they are in what they wanted, and which of them wait for a person."""
