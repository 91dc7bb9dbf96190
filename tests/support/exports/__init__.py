"""Exports in the shapes of further products, with their mappings, which no word list was written for."""
