"""Reports, images, and the file that stays with a resident for life."""
