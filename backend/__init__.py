"""The city's services: one folder per area, standing on http, db, security and worker."""
