"""`python -m backend`: the `healthycity` command without its installed name."""

from backend.cli import main

main()
