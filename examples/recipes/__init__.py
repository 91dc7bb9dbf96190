"""Recipes: how the exports of well-known products are mapped to the tables of the contract."""
