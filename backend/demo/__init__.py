"""The demo city on one machine: embedded servers, their supervisor, and what it prints and writes."""
