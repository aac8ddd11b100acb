"""Who the people are: accounts, log-in, real names, and whom a resident acts for."""
