"""Rules and lists that people who are no programmers keep: tables by edition, in force from a day on."""
