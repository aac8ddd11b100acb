"""The health code: made, shown, verified, replayed in vain, and every use told to the resident."""
