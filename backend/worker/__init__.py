"""Background work: events, the outbox, periodic jobs and the Celery shell around them."""
