"""The staff console: Jinja2 pages under /admin. It calls services and shows what they answer, no more."""
