"""Training results that tests make up or alter, and the pages made of them."""
