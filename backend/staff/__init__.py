"""Staff accounts of the console: who they are, how they sign in, which hospitals they may see."""
