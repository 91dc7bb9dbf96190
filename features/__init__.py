"""Tables in, one row of features per customer and cutoff out."""
