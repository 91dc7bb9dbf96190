"""Tables rolled up by day, from which every cutoff is answered, and the files that hold them."""
