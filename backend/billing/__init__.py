"""What is to be paid, what was paid, what went back: orders, their payments and their refunds."""
