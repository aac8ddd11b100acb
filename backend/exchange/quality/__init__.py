"""The quality of what hospitals send: rules as data, counted by hospital, day and rule, told back."""
