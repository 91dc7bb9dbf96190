"""The meaning of the scores for a business: value, concentration, claims, plays, histories, explanations."""
