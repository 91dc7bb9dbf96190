"""A randomised experiment on a social network of villages."""
