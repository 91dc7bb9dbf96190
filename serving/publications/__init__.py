"""Publications, each a model version with the customers it scored, and the stores that hold them."""
