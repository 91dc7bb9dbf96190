"""What applications get besides scores: plays, the history of a customer, changes, everybody, and what if."""
