"""Follow-up surveys: what is asked of whom and when, what was answered, and what a bad answer opens."""
